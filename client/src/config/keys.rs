//! The table of properties: everything a Kafka client can be told, each defined once.
//!
//! The constants exist so that Rust code cannot misspell a name; they are Kafka's names and no others.
#![doc = include_str!("keys.md")]

use super::property::PropertyDef;

/// Every known property, sorted by name.
pub fn property_definitions() -> &'static [PropertyDef] {
    DEFINITIONS
}

/// `acks`
pub const ACKS: &str = "acks";
/// `allow.auto.create.topics`
pub const ALLOW_AUTO_CREATE_TOPICS: &str = "allow.auto.create.topics";
/// `auto.commit.interval.ms`
pub const AUTO_COMMIT_INTERVAL_MS: &str = "auto.commit.interval.ms";
/// `auto.offset.reset`
pub const AUTO_OFFSET_RESET: &str = "auto.offset.reset";
/// `batch.size`
pub const BATCH_SIZE: &str = "batch.size";
/// `bootstrap.servers`
pub const BOOTSTRAP_SERVERS: &str = "bootstrap.servers";
/// `buffer.memory`
pub const BUFFER_MEMORY: &str = "buffer.memory";
/// `check.crcs`
pub const CHECK_CRCS: &str = "check.crcs";
/// `client.id`
pub const CLIENT_ID: &str = "client.id";
/// `client.rack`
pub const CLIENT_RACK: &str = "client.rack";
/// `compression.gzip.level`
pub const COMPRESSION_GZIP_LEVEL: &str = "compression.gzip.level";
/// `compression.lz4.level`
pub const COMPRESSION_LZ4_LEVEL: &str = "compression.lz4.level";
/// `compression.type`
pub const COMPRESSION_TYPE: &str = "compression.type";
/// `compression.zstd.level`
pub const COMPRESSION_ZSTD_LEVEL: &str = "compression.zstd.level";
/// `connections.max.idle.ms`
pub const CONNECTIONS_MAX_IDLE_MS: &str = "connections.max.idle.ms";
/// `default.api.timeout.ms`
pub const DEFAULT_API_TIMEOUT_MS: &str = "default.api.timeout.ms";
/// `delivery.timeout.ms`
pub const DELIVERY_TIMEOUT_MS: &str = "delivery.timeout.ms";
/// `enable.auto.commit`
pub const ENABLE_AUTO_COMMIT: &str = "enable.auto.commit";
/// `enable.idempotence`
pub const ENABLE_IDEMPOTENCE: &str = "enable.idempotence";
/// `exclude.internal.topics`
pub const EXCLUDE_INTERNAL_TOPICS: &str = "exclude.internal.topics";
/// `fetch.max.bytes`
pub const FETCH_MAX_BYTES: &str = "fetch.max.bytes";
/// `fetch.max.wait.ms`
pub const FETCH_MAX_WAIT_MS: &str = "fetch.max.wait.ms";
/// `fetch.min.bytes`
pub const FETCH_MIN_BYTES: &str = "fetch.min.bytes";
/// `group.id`
pub const GROUP_ID: &str = "group.id";
/// `group.instance.id`
pub const GROUP_INSTANCE_ID: &str = "group.instance.id";
/// `group.protocol`
pub const GROUP_PROTOCOL: &str = "group.protocol";
/// `group.remote.assignor`
pub const GROUP_REMOTE_ASSIGNOR: &str = "group.remote.assignor";
/// `heartbeat.interval.ms`
pub const HEARTBEAT_INTERVAL_MS: &str = "heartbeat.interval.ms";
/// `isolation.level`
pub const ISOLATION_LEVEL: &str = "isolation.level";
/// `kavka.prefetch.bytes`
pub const KAVKA_PREFETCH_BYTES: &str = "kavka.prefetch.bytes";
/// `kavka.strict.properties`
pub const KAVKA_STRICT_PROPERTIES: &str = "kavka.strict.properties";
/// `linger.ms`
pub const LINGER_MS: &str = "linger.ms";
/// `max.block.ms`
pub const MAX_BLOCK_MS: &str = "max.block.ms";
/// `max.in.flight.requests.per.connection`
pub const MAX_IN_FLIGHT_REQUESTS_PER_CONNECTION: &str = "max.in.flight.requests.per.connection";
/// `max.partition.fetch.bytes`
pub const MAX_PARTITION_FETCH_BYTES: &str = "max.partition.fetch.bytes";
/// `max.poll.interval.ms`
pub const MAX_POLL_INTERVAL_MS: &str = "max.poll.interval.ms";
/// `max.poll.records`
pub const MAX_POLL_RECORDS: &str = "max.poll.records";
/// `max.request.size`
pub const MAX_REQUEST_SIZE: &str = "max.request.size";
/// `metadata.max.age.ms`
pub const METADATA_MAX_AGE_MS: &str = "metadata.max.age.ms";
/// `metadata.max.idle.ms`
pub const METADATA_MAX_IDLE_MS: &str = "metadata.max.idle.ms";
/// `metadata.recovery.rebootstrap.trigger.ms`
pub const METADATA_RECOVERY_REBOOTSTRAP_TRIGGER_MS: &str =
    "metadata.recovery.rebootstrap.trigger.ms";
/// `metadata.recovery.strategy`
pub const METADATA_RECOVERY_STRATEGY: &str = "metadata.recovery.strategy";
/// `partition.assignment.strategy`
pub const PARTITION_ASSIGNMENT_STRATEGY: &str = "partition.assignment.strategy";
/// `partitioner.adaptive.partitioning.enable`
pub const PARTITIONER_ADAPTIVE_PARTITIONING_ENABLE: &str =
    "partitioner.adaptive.partitioning.enable";
/// `partitioner.availability.timeout.ms`
pub const PARTITIONER_AVAILABILITY_TIMEOUT_MS: &str = "partitioner.availability.timeout.ms";
/// `partitioner.class`
pub const PARTITIONER_CLASS: &str = "partitioner.class";
/// `partitioner.ignore.keys`
pub const PARTITIONER_IGNORE_KEYS: &str = "partitioner.ignore.keys";
/// `partitioner.rack.aware`
pub const PARTITIONER_RACK_AWARE: &str = "partitioner.rack.aware";
/// `receive.buffer.bytes`
pub const RECEIVE_BUFFER_BYTES: &str = "receive.buffer.bytes";
/// `reconnect.backoff.max.ms`
pub const RECONNECT_BACKOFF_MAX_MS: &str = "reconnect.backoff.max.ms";
/// `reconnect.backoff.ms`
pub const RECONNECT_BACKOFF_MS: &str = "reconnect.backoff.ms";
/// `request.timeout.ms`
pub const REQUEST_TIMEOUT_MS: &str = "request.timeout.ms";
/// `retries`
pub const RETRIES: &str = "retries";
/// `retry.backoff.max.ms`
pub const RETRY_BACKOFF_MAX_MS: &str = "retry.backoff.max.ms";
/// `retry.backoff.ms`
pub const RETRY_BACKOFF_MS: &str = "retry.backoff.ms";
/// `security.protocol`
pub const SECURITY_PROTOCOL: &str = "security.protocol";
/// `send.buffer.bytes`
pub const SEND_BUFFER_BYTES: &str = "send.buffer.bytes";
/// `session.timeout.ms`
pub const SESSION_TIMEOUT_MS: &str = "session.timeout.ms";
/// `socket.connection.setup.timeout.max.ms`
pub const SOCKET_CONNECTION_SETUP_TIMEOUT_MAX_MS: &str = "socket.connection.setup.timeout.max.ms";
/// `socket.connection.setup.timeout.ms`
pub const SOCKET_CONNECTION_SETUP_TIMEOUT_MS: &str = "socket.connection.setup.timeout.ms";
/// `transaction.timeout.ms`
pub const TRANSACTION_TIMEOUT_MS: &str = "transaction.timeout.ms";
/// `transactional.id`
pub const TRANSACTIONAL_ID: &str = "transactional.id";

#[rustfmt::skip]
static DEFINITIONS: &[PropertyDef] = &[
    PropertyDef::choice(ACKS, &["all", "-1", "0", "1"]).default("all").producer().doc("How many replicas must have a record before it counts as written."),
    PropertyDef::bool(ALLOW_AUTO_CREATE_TOPICS).default("true").doc("Whether writing to a missing topic lets the broker create it; reading never does."),
    PropertyDef::int(AUTO_COMMIT_INTERVAL_MS, 0, i32::MAX as i64).default("5000").consumer().unused().doc("How often offsets are committed when `enable.auto.commit` is true."),
    PropertyDef::bool("auto.include.jmx.reporter").default("true").java_only().doc("Whether Java registers its JMX reporter."),
    PropertyDef::text(AUTO_OFFSET_RESET).default("latest").consumer().doc("Where to read when there is no valid offset: earliest, latest, none, or by_duration: and how far to go back, like by_duration:PT1H."),
    PropertyDef::int(BATCH_SIZE, 0, i32::MAX as i64).default("16384").producer().doc("Upper limit in bytes of one batch for one partition."),
    PropertyDef::list("bootstrap.controllers").only_default().doc("Controllers to connect to instead of brokers."),
    PropertyDef::list(BOOTSTRAP_SERVERS).doc("Brokers, as host:port, from which the rest of the cluster is found."),
    PropertyDef::int(BUFFER_MEMORY, 0, i64::MAX).default("33554432").producer().doc("Bytes of records that may wait to be sent."),
    PropertyDef::bool(CHECK_CRCS).default("true").consumer().java_only().doc("Whether checksums are verified; they always are."),
    PropertyDef::choice("client.dns.lookup", &["use_all_dns_ips", "resolve_canonical_bootstrap_servers_only"]).default("use_all_dns_ips").only_default().doc("How the addresses of a host name are used."),
    PropertyDef::text(CLIENT_ID).default("").doc("A name for this client in the broker's logs and quotas; kavka if empty."),
    PropertyDef::text(CLIENT_RACK).default("").doc("The rack this client runs in, so that a replica nearby is read; see also `partitioner.rack.aware`."),
    PropertyDef::int_or_usual(COMPRESSION_GZIP_LEVEL, 1, 9).default("-1").producer().doc("Effort of gzip, 1 to 9; -1 is its own default."),
    PropertyDef::int(COMPRESSION_LZ4_LEVEL, 1, 17).default("9").producer().doc("Effort of lz4; 9 is the fast encoder, and every other level a thorough one that takes many times as long."),
    PropertyDef::choice(COMPRESSION_TYPE, &["none", "gzip", "snappy", "lz4", "zstd"]).default("none").producer().doc("The codec batches are compressed with."),
    PropertyDef::int(COMPRESSION_ZSTD_LEVEL, -131072, 22).default("3").producer().doc("Effort of zstd."),
    PropertyDef::list("config.providers").only_default().doc("Classes that replace variables in values."),
    PropertyDef::int(CONNECTIONS_MAX_IDLE_MS, -1, i64::MAX).default("540000").doc("A connection unused for so many milliseconds is closed; -1 never."),
    PropertyDef::int(DEFAULT_API_TIMEOUT_MS, 0, i32::MAX as i64).default("60000").doc("How long a call without a time limit of its own may take, retries included."),
    PropertyDef::int(DELIVERY_TIMEOUT_MS, 0, i32::MAX as i64).default("120000").producer().doc("How long a record may take from `send` to its acknowledgement."),
    PropertyDef::bool(ENABLE_AUTO_COMMIT).default("true").consumer().unused().doc("Whether offsets of a group are committed in the background."),
    PropertyDef::bool(ENABLE_IDEMPOTENCE).default("true").producer().doc("Whether the broker removes duplicates that retries cause."),
    PropertyDef::bool("enable.metrics.push").default("true").unused().doc("Whether metrics are pushed to the cluster (KIP-714); they never are yet."),
    PropertyDef::bool(EXCLUDE_INTERNAL_TOPICS).default("true").consumer().unused().doc("Whether patterns skip internal topics."),
    PropertyDef::int(FETCH_MAX_BYTES, 0, i32::MAX as i64).default("52428800").consumer().doc("Upper limit in bytes of one answer."),
    PropertyDef::int(FETCH_MAX_WAIT_MS, 0, i32::MAX as i64).default("500").consumer().doc("How long the broker waits for `fetch.min.bytes`."),
    PropertyDef::int(FETCH_MIN_BYTES, 0, i32::MAX as i64).default("1").consumer().doc("The broker answers as soon as it has this much."),
    PropertyDef::text(GROUP_ID).consumer().doc("The consumer group."),
    PropertyDef::text(GROUP_INSTANCE_ID).consumer().only_default().doc("The name of a static member of the group."),
    PropertyDef::choice(GROUP_PROTOCOL, &["classic", "consumer"]).default("classic").consumer().only_default().doc("The protocol by which a group shares partitions."),
    PropertyDef::text(GROUP_REMOTE_ASSIGNOR).consumer().only_default().doc("The broker's assignor, with `group.protocol=consumer`."),
    PropertyDef::int(HEARTBEAT_INTERVAL_MS, 0, i32::MAX as i64).default("3000").consumer().unused().doc("How often a member of a classic group reports."),
    PropertyDef::list("interceptor.classes").java_only().doc("Java classes that see every record."),
    PropertyDef::choice(ISOLATION_LEVEL, &["read_uncommitted", "read_committed"]).default("read_uncommitted").consumer().doc("Whether records of open and aborted transactions are read."),
    PropertyDef::int(KAVKA_PREFETCH_BYTES, 1, i64::MAX).default("67108864").consumer().doc("Bytes fetched ahead of the application, over all partitions together."),
    PropertyDef::bool(KAVKA_STRICT_PROPERTIES).default("false").doc("Whether an unknown property is an error instead of a warning."),
    PropertyDef::text("key.deserializer").consumer().java_only().doc("Java class that reads keys."),
    PropertyDef::text("key.serializer").producer().java_only().doc("Java class that writes keys."),
    PropertyDef::millis(LINGER_MS).default("5").producer().doc("How long an open batch waits for more records."),
    PropertyDef::millis(MAX_BLOCK_MS).default("60000").producer().doc("How long `send` waits for metadata and for buffer memory."),
    PropertyDef::int(MAX_IN_FLIGHT_REQUESTS_PER_CONNECTION, 1, i32::MAX as i64).default("5").producer().doc("Requests sent to one broker before an answer is needed."),
    PropertyDef::int(MAX_PARTITION_FETCH_BYTES, 0, i32::MAX as i64).default("1048576").consumer().doc("Upper limit in bytes of one partition in one answer."),
    PropertyDef::int(MAX_POLL_INTERVAL_MS, 1, i32::MAX as i64).default("300000").consumer().unused().doc("A member that does not poll for this long leaves its group."),
    PropertyDef::int(MAX_POLL_RECORDS, 1, i32::MAX as i64).consumer().doc("Upper limit of records that one poll hands out; unset, whole batches come (Java's default is 500)."),
    PropertyDef::int(MAX_REQUEST_SIZE, 0, i32::MAX as i64).default("1048576").producer().doc("Upper limit in bytes of one record and of one request."),
    PropertyDef::millis(METADATA_MAX_AGE_MS).default("300000").doc("Metadata is renewed at least this often."),
    PropertyDef::int(METADATA_MAX_IDLE_MS, 5000, i64::MAX).default("300000").doc("A topic unused for this long is left out of metadata."),
    PropertyDef::millis(METADATA_RECOVERY_REBOOTSTRAP_TRIGGER_MS).default("300000").doc("Without metadata for this long, `bootstrap.servers` are asked again."),
    PropertyDef::choice(METADATA_RECOVERY_STRATEGY, &["none", "rebootstrap"]).default("rebootstrap").doc("Whether `bootstrap.servers` are asked again when every known broker is gone, or one of them says so."),
    PropertyDef::list("metric.reporters").default("org.apache.kafka.common.metrics.JmxReporter").java_only().doc("Java classes that report metrics."),
    PropertyDef::int("metrics.num.samples", 1, i32::MAX as i64).default("2").java_only().doc("Samples kept by Java's metrics."),
    PropertyDef::choice("metrics.recording.level", &["INFO", "DEBUG", "TRACE"]).default("INFO").java_only().doc("Detail of Java's metrics."),
    PropertyDef::millis("metrics.sample.window.ms").default("30000").java_only().doc("Window of Java's metrics."),
    PropertyDef::list(PARTITION_ASSIGNMENT_STRATEGY).default("org.apache.kafka.clients.consumer.RangeAssignor,org.apache.kafka.clients.consumer.CooperativeStickyAssignor").consumer().unused().doc("Assignors of a classic group, the preferred first."),
    PropertyDef::bool(PARTITIONER_ADAPTIVE_PARTITIONING_ENABLE).default("true").producer().doc("Whether records without a key favour partitions of brokers that keep up."),
    PropertyDef::millis(PARTITIONER_AVAILABILITY_TIMEOUT_MS).default("0").producer().doc("Partitions of a broker that has not answered for this long are avoided, where records have no key; 0 never."),
    PropertyDef::text(PARTITIONER_CLASS).producer().doc("RoundRobinPartitioner in place of the default, which hashes keys."),
    PropertyDef::bool(PARTITIONER_IGNORE_KEYS).default("false").producer().doc("Whether keys are left out of the choice of partition."),
    PropertyDef::bool(PARTITIONER_RACK_AWARE).default("false").producer().doc("Whether records without a key go to partitions led in `client.rack`, while there are any (KIP-1123)."),
    PropertyDef::int(RECEIVE_BUFFER_BYTES, -1, i32::MAX as i64).default("-1").doc("Size of the socket's receive buffer; -1 leaves it to the operating system."),
    PropertyDef::millis(RECONNECT_BACKOFF_MAX_MS).default("1000").doc("Longest wait between attempts to connect to one broker."),
    PropertyDef::millis(RECONNECT_BACKOFF_MS).default("50").doc("First wait before connecting again to a broker; it doubles."),
    PropertyDef::int(REQUEST_TIMEOUT_MS, 0, i32::MAX as i64).default("30000").doc("How long one request may take, waiting and writing included."),
    PropertyDef::int(RETRIES, 0, i32::MAX as i64).default("2147483647").doc("How often a failed request is repeated within its time limit."),
    PropertyDef::millis(RETRY_BACKOFF_MAX_MS).default("1000").doc("Longest wait between repetitions."),
    PropertyDef::millis(RETRY_BACKOFF_MS).default("100").doc("First wait before a repetition; it doubles."),
    PropertyDef::text("sasl.client.callback.handler.class").only_default().doc("Java class that answers challenges."),
    PropertyDef::password("sasl.jaas.config").doc("Login module and its options, as in Java: `PlainLoginModule required username=\"u\" password=\"p\";`."),
    PropertyDef::text("sasl.kerberos.kinit.cmd").default("/usr/bin/kinit").only_default().doc("The kinit command."),
    PropertyDef::millis("sasl.kerberos.min.time.before.relogin").default("60000").only_default().doc("Shortest time between logins."),
    PropertyDef::text("sasl.kerberos.service.name").only_default().doc("The brokers' Kerberos principal."),
    PropertyDef::number("sasl.kerberos.ticket.renew.jitter", f64::NEG_INFINITY, f64::INFINITY).default("0.05").only_default().doc("Jitter of ticket renewal."),
    PropertyDef::number("sasl.kerberos.ticket.renew.window.factor", f64::NEG_INFINITY, f64::INFINITY).default("0.8").only_default().doc("When a ticket is renewed."),
    PropertyDef::text("sasl.login.callback.handler.class").doc("Java class that logs in; the two for OAUTHBEARER are known by name."),
    PropertyDef::text("sasl.login.class").only_default().doc("Java class of the login."),
    PropertyDef::int("sasl.login.connect.timeout.ms", 0, i32::MAX as i64).only_default().doc("Limit for connecting to the identity provider."),
    PropertyDef::int("sasl.login.read.timeout.ms", 0, i32::MAX as i64).only_default().doc("Limit for reading from the identity provider."),
    PropertyDef::int("sasl.login.refresh.buffer.seconds", 0, 3600).default("300").unused().doc("Time kept before a token expires."),
    PropertyDef::int("sasl.login.refresh.min.period.seconds", 0, 900).default("60").unused().doc("Shortest time between token refreshes."),
    PropertyDef::number("sasl.login.refresh.window.factor", 0.5, 1.0).default("0.8").doc("The part of a lifetime after which tokens and sessions are renewed."),
    PropertyDef::number("sasl.login.refresh.window.jitter", 0.0, 0.25).default("0.05").unused().doc("Jitter of token refresh."),
    PropertyDef::millis("sasl.login.retry.backoff.max.ms").default("10000").only_default().doc("Longest wait between logins."),
    PropertyDef::millis("sasl.login.retry.backoff.ms").default("100").only_default().doc("First wait between logins."),
    PropertyDef::text("sasl.mechanism").default("GSSAPI").doc("The SASL mechanism: PLAIN, SCRAM-SHA-256, SCRAM-SHA-512 or OAUTHBEARER."),
    PropertyDef::choice("sasl.oauthbearer.assertion.algorithm", &["RS256", "ES256"]).default("RS256").only_default().doc("Algorithm an assertion is signed with."),
    PropertyDef::text("sasl.oauthbearer.assertion.claim.aud").only_default().doc("Audience of an assertion."),
    PropertyDef::int("sasl.oauthbearer.assertion.claim.exp.seconds", 0, 86400).default("300").only_default().doc("How long an assertion is valid."),
    PropertyDef::text("sasl.oauthbearer.assertion.claim.iss").only_default().doc("Issuer of an assertion."),
    PropertyDef::bool("sasl.oauthbearer.assertion.claim.jti.include").default("false").only_default().doc("Whether an assertion has an id of its own."),
    PropertyDef::int("sasl.oauthbearer.assertion.claim.nbf.seconds", 0, 3600).default("60").only_default().doc("How long before now an assertion becomes valid."),
    PropertyDef::text("sasl.oauthbearer.assertion.claim.sub").only_default().doc("Subject of an assertion."),
    PropertyDef::text("sasl.oauthbearer.assertion.file").only_default().doc("File with an assertion for the token request."),
    PropertyDef::text("sasl.oauthbearer.assertion.private.key.file").only_default().doc("Key an assertion is signed with."),
    PropertyDef::password("sasl.oauthbearer.assertion.private.key.passphrase").only_default().doc("Password of that key."),
    PropertyDef::text("sasl.oauthbearer.assertion.template.file").only_default().doc("File with further claims of an assertion."),
    PropertyDef::text("sasl.oauthbearer.client.credentials.client.id").only_default().doc("Client id of the token request."),
    PropertyDef::password("sasl.oauthbearer.client.credentials.client.secret").only_default().doc("Client secret of the token request."),
    PropertyDef::int("sasl.oauthbearer.clock.skew.seconds", 0, i32::MAX as i64).default("30").only_default().doc("Tolerated difference of clocks."),
    PropertyDef::list("sasl.oauthbearer.expected.audience").only_default().doc("Audiences a token must be for."),
    PropertyDef::text("sasl.oauthbearer.expected.issuer").only_default().doc("Issuer a token must be from."),
    PropertyDef::bool("sasl.oauthbearer.header.urlencode").default("false").only_default().doc("Whether credentials are URL-encoded."),
    PropertyDef::millis("sasl.oauthbearer.jwks.endpoint.refresh.ms").default("3600000").only_default().doc("How often keys are renewed."),
    PropertyDef::millis("sasl.oauthbearer.jwks.endpoint.retry.backoff.max.ms").default("10000").only_default().doc("Longest wait between key requests."),
    PropertyDef::millis("sasl.oauthbearer.jwks.endpoint.retry.backoff.ms").default("100").only_default().doc("First wait between key requests."),
    PropertyDef::text("sasl.oauthbearer.jwks.endpoint.url").only_default().doc("Where keys are found."),
    PropertyDef::text("sasl.oauthbearer.jwt.retriever.class").default("org.apache.kafka.common.security.oauthbearer.DefaultJwtRetriever").only_default().doc("Java class that fetches tokens."),
    PropertyDef::text("sasl.oauthbearer.jwt.validator.class").default("org.apache.kafka.common.security.oauthbearer.DefaultJwtValidator").only_default().doc("Java class that checks tokens."),
    PropertyDef::text("sasl.oauthbearer.scope").only_default().doc("Scope of the token request."),
    PropertyDef::text("sasl.oauthbearer.scope.claim.name").default("scope").only_default().doc("The claim that holds the scope."),
    PropertyDef::text("sasl.oauthbearer.sub.claim.name").default("sub").only_default().doc("The claim that holds the subject."),
    PropertyDef::text("sasl.oauthbearer.token.endpoint.url").doc("file:///… with the bearer token, read anew for every login."),
    PropertyDef::password("sasl.password").doc("Password for PLAIN and SCRAM where sasl.jaas.config is not set."),
    PropertyDef::text("sasl.username").doc("User name for PLAIN and SCRAM where sasl.jaas.config is not set."),
    PropertyDef::choice(SECURITY_PROTOCOL, &["PLAINTEXT", "SSL", "SASL_PLAINTEXT", "SASL_SSL"]).default("PLAINTEXT").doc("How brokers are talked to."),
    PropertyDef::text("security.providers").java_only().doc("Java security providers."),
    PropertyDef::int(SEND_BUFFER_BYTES, -1, i32::MAX as i64).default("-1").doc("Size of the socket's send buffer; -1 leaves it to the operating system."),
    PropertyDef::int(SESSION_TIMEOUT_MS, 0, i32::MAX as i64).default("45000").consumer().unused().doc("A member of a classic group silent for this long is removed."),
    PropertyDef::choice("share.acknowledgement.mode", &["implicit", "explicit"]).default("implicit").consumer().only_default().doc("How a share consumer acknowledges."),
    PropertyDef::choice("share.acquire.mode", &["batch_optimized", "record_limit"]).default("BATCH_OPTIMIZED").consumer().only_default().doc("How many records a share consumer acquires."),
    PropertyDef::millis(SOCKET_CONNECTION_SETUP_TIMEOUT_MAX_MS).default("30000").doc("Longest wait for a connection after repeated failures."),
    PropertyDef::millis(SOCKET_CONNECTION_SETUP_TIMEOUT_MS).default("10000").doc("How long making a connection may take."),
    PropertyDef::list("ssl.cipher.suites").doc("Cipher suites to offer, in the order of preference."),
    PropertyDef::list("ssl.enabled.protocols").default("TLSv1.2,TLSv1.3").doc("TLS versions to offer."),
    PropertyDef::text("ssl.endpoint.identification.algorithm").default("https").doc("https checks that a certificate is for the broker's host; empty does not."),
    PropertyDef::text("ssl.engine.factory.class").only_default().doc("Java class that makes TLS engines."),
    PropertyDef::password("ssl.key.password").doc("Password of the private key; unset, that of the key store."),
    PropertyDef::text("ssl.keymanager.algorithm").default("SunX509").java_only().doc("Java's key manager."),
    PropertyDef::password("ssl.keystore.certificate.chain").doc("The client's certificates as PEM text."),
    PropertyDef::password("ssl.keystore.key").doc("The client's private key as PEM text (PKCS#8)."),
    PropertyDef::text("ssl.keystore.location").doc("File with the client's private key and certificates."),
    PropertyDef::password("ssl.keystore.password").doc("Password of that file."),
    PropertyDef::text("ssl.keystore.type").default("JKS").doc("Format of that file: JKS, PKCS12 (either is recognised) or PEM."),
    PropertyDef::text("ssl.protocol").default("TLSv1.3").doc("TLSv1.2 speaks nothing newer unless ssl.enabled.protocols says so."),
    PropertyDef::text("ssl.provider").only_default().doc("Java's TLS provider."),
    PropertyDef::text("ssl.secure.random.implementation").java_only().doc("Java's random numbers."),
    PropertyDef::text("ssl.trustmanager.algorithm").default("PKIX").java_only().doc("Java's trust manager."),
    PropertyDef::password("ssl.truststore.certificates").doc("Trusted certificates as PEM text."),
    PropertyDef::text("ssl.truststore.location").doc("File with trusted certificates; unset, the operating system's are trusted."),
    PropertyDef::password("ssl.truststore.password").doc("Password of that file."),
    PropertyDef::text("ssl.truststore.type").default("JKS").doc("Format of that file: JKS, PKCS12 (either is recognised) or PEM."),
    PropertyDef::int(TRANSACTION_TIMEOUT_MS, 1, i32::MAX as i64).default("60000").producer().unused().doc("How long a transaction may stay open."),
    PropertyDef::bool("transaction.two.phase.commit.enable").default("false").producer().only_default().doc("Whether an outside coordinator ends transactions."),
    PropertyDef::text(TRANSACTIONAL_ID).producer().only_default().doc("The name under which transactions survive a restart."),
    PropertyDef::text("value.deserializer").consumer().java_only().doc("Java class that reads values."),
    PropertyDef::text("value.serializer").producer().java_only().doc("Java class that writes values."),
];

#[cfg(test)]
mod tests;
