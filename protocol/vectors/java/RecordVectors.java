import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.BufferedReader;
import java.io.InputStreamReader;
import java.io.PrintStream;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Base64;
import java.util.List;
import java.util.Random;
import java.util.function.Function;
import java.util.function.IntPredicate;
import org.apache.kafka.common.compress.Compression;
import org.apache.kafka.common.header.Header;
import org.apache.kafka.common.header.internals.RecordHeader;
import org.apache.kafka.common.record.TimestampType;
import org.apache.kafka.common.record.internal.CompressionType;
import org.apache.kafka.common.record.internal.ControlRecordType;
import org.apache.kafka.common.record.internal.EndTransactionMarker;
import org.apache.kafka.common.record.internal.MemoryRecords;
import org.apache.kafka.common.record.internal.MemoryRecordsBuilder;
import org.apache.kafka.common.record.internal.MutableRecordBatch;
import org.apache.kafka.common.record.internal.Record;
import org.apache.kafka.common.record.internal.RecordBatch;
import org.apache.kafka.common.record.internal.SimpleRecord;
import org.apache.kafka.common.utils.BufferSupplier;

/**
 * Writes record batches of every format with Kafka's own classes, and what those classes read in them, as JSON lines:
 * records-v0.jsonl, records-v1.jsonl and records-v2.jsonl in the folder given. With "read" instead of a folder, it
 * reads batches that others wrote.
 */
public class RecordVectors {
    static final long TIME = 1_700_000_000_000L;
    static final long APPEND_TIME = 1_800_000_000_000L;
    static final int LEADER_EPOCH = 7;
    /** The greatest from which every delta still leads to an offset. */
    static final long LAST_BASE_OFFSET = Long.MAX_VALUE - (1L << 31);

    /** How one vector is stored. */
    record Form(byte magic, CompressionType codec, boolean logAppend) {}

    /** Who produces; {@link #NOBODY} is neither idempotent nor transactional. */
    record Producer(long id, short epoch, int sequence, boolean transactional) {}

    /** A rule to be seen in the bytes, from its format on. */
    record Case(String name, int since, Function<Form, ByteBuffer> bytes) {}

    static final Producer NOBODY = new Producer(-1, (short) -1, -1, false);
    static final Producer IDEMPOTENT = new Producer(4000, (short) 3, 70, false);
    static final Producer TRANSACTIONAL = new Producer(4001, (short) 0, 0, true);

    static List<Case> cases() {
        List<Case> cases = new ArrayList<>();
        cases.add(plain("null-key", 0, record(0, null, "value")));
        cases.add(plain("null-value", 0, record(0, "key", null)));
        cases.add(plain("empty-key-and-value", 0, record(0, "", "")));
        cases.add(plain("one", 0, record(0, "key", "value")));
        cases.add(plain("timestamps", 1, record(50, "late", "1"), record(-60_000, "early", "2"),
            new SimpleRecord(-1, bytes("none"), bytes("3")), new SimpleRecord(0, bytes("epoch"), bytes("4"))));
        cases.add(new Case("thousand", 0, form -> write(form, NOBODY, 5000, thousand())));
        cases.add(new Case("large-value", 0, form -> write(form, NOBODY, 0, List.of(large()))));
        cases.add(new Case("several-batches", 0, RecordVectors::severalBatches));
        cases.add(new Case("compacted-gaps", 0, RecordVectors::gaps));
        cases.add(plain("repeated-header-keys", 2, new SimpleRecord(TIME, bytes("key"), bytes("value"), new Header[] {
            header("trace", bytes("1")), header("other", bytes("x")), header("trace", bytes("2")), header("trace", null)})));
        cases.add(plain("binary-header-values", 2, new SimpleRecord(TIME, bytes("key"), bytes("value"), new Header[] {
            header("not-utf-8", new byte[] {(byte) 0xff, (byte) 0xfe, 0, (byte) 0x80}), header("null", null),
            header("empty", new byte[0]), header("", bytes("no name")), header("ключ🔑", bytes("значение"))})));
        cases.add(new Case("empty-batch", 2,
            form -> compacted(write(form, IDEMPOTENT, 200, numbered(5)), at -> false)));
        cases.add(new Case("idempotent", 2, form -> write(form, IDEMPOTENT, 10, numbered(3))));
        cases.add(new Case("transactional", 2, form -> write(form, TRANSACTIONAL, 11, numbered(3))));
        cases.add(new Case("greatest-numbers", 2, form -> write(form,
            new Producer(Long.MAX_VALUE, Short.MAX_VALUE, Integer.MAX_VALUE, true), LAST_BASE_OFFSET, numbered(3))));
        cases.add(new Case("delete-horizon", 2, form -> tombstones(write(form, NOBODY, 300, List.of(
            record(0, "a", "1"), record(1, "b", null), record(2, "c", "3"))))));
        cases.add(new Case("commit", 2, form -> marker(form, ControlRecordType.COMMIT)));
        cases.add(new Case("abort", 2, form -> marker(form, ControlRecordType.ABORT)));
        return cases;
    }

    public static void main(String[] arguments) throws Exception {
        if (arguments[0].equals("read")) read();
        else write(Path.of(arguments[0]));
    }

    /** Prints what is in the batches that come in, a line of base64 each. */
    static void read() throws Exception {
        BufferedReader lines = new BufferedReader(new InputStreamReader(System.in, StandardCharsets.UTF_8));
        PrintStream answers = new PrintStream(System.out, false, StandardCharsets.UTF_8);
        for (String line = lines.readLine(); line != null; line = lines.readLine()) {
            ByteBuffer bytes = ByteBuffer.wrap(Base64.getDecoder().decode(line));
            for (RecordBatch batch : MemoryRecords.readableRecords(bytes.duplicate()).batches()) batch.ensureValid();
            ObjectNode answer = object();
            answer.set("records", readRecords(bytes));
            answer.set("batches", readBatches(bytes));
            answers.println(answer);
        }
        answers.flush();
    }

    static void write(Path folder) throws Exception {
        for (byte magic = 0; magic <= 2; magic++) {
            try (PrintStream lines = open(folder.resolve("records-v" + magic + ".jsonl"))) {
                for (Case each : cases()) {
                    for (boolean logAppend : new boolean[] {false, true}) {
                        if (each.since <= magic && (magic > 0 || !logAppend)) lines.println(vector(each, magic, logAppend));
                    }
                }
            }
        }
    }

    /** One line: the records once, since every codec holds the same ones, and the bytes and batches by codec. */
    static ObjectNode vector(Case each, byte magic, boolean logAppend) {
        ObjectNode vector = object();
        vector.put("name", each.name).put("magic", magic);
        vector.put("timestampType", magic == 0 ? "NoTimestampType" : logAppend ? "LogAppendTime" : "CreateTime");
        ObjectNode encodings = object();
        ArrayNode records = null;
        for (CompressionType codec : CompressionType.values()) {
            if (magic < 2 && codec == CompressionType.ZSTD) continue;
            ByteBuffer bytes = each.bytes.apply(new Form(magic, codec, logAppend));
            for (RecordBatch batch : MemoryRecords.readableRecords(bytes).batches())
                if (batch.magic() != magic) throw new AssertionError(each + " is of format " + batch.magic());
            // Kafka compresses neither markers nor batches without records.
            if (MemoryRecords.readableRecords(bytes).batches().iterator().next().compressionType() != codec) continue;
            ArrayNode read = readRecords(bytes);
            if (records != null && !records.equals(read)) throw new AssertionError(each + " differs with " + codec);
            records = read;
            ObjectNode encoding = encodings.putObject(codec.name);
            encoding.put("bytes", base64(bytes));
            if (magic > 1) encoding.set("batches", readBatches(bytes));
        }
        vector.set("records", records);
        vector.set("encodings", encodings);
        return vector;
    }

    static Case plain(String name, int since, SimpleRecord... records) {
        return new Case(name, since, form -> write(form, NOBODY, 42, List.of(records)));
    }

    static ByteBuffer write(Form form, Producer producer, long baseOffset, List<SimpleRecord> records) {
        MemoryRecordsBuilder builder = builder(form, producer, baseOffset);
        for (SimpleRecord record : records) builder.append(dated(form, record));
        return appended(form, builder.build());
    }

    static MemoryRecordsBuilder builder(Form form, Producer producer, long baseOffset) {
        TimestampType type = form.magic == 0 ? TimestampType.NO_TIMESTAMP_TYPE : TimestampType.CREATE_TIME;
        return MemoryRecords.builder(ByteBuffer.allocate(1 << 16), form.magic,
            Compression.of(form.codec).build(), type, baseOffset, RecordBatch.NO_TIMESTAMP, producer.id,
            producer.epoch, producer.sequence, producer.transactional, LEADER_EPOCH);
    }

    /** Format 0 has no times. */
    static SimpleRecord dated(Form form, SimpleRecord record) {
        return form.magic == 0 ? new SimpleRecord(-1, record.key(), record.value()) : record;
    }

    /** What a broker does to batches in a topic that keeps the time of the append. */
    static ByteBuffer appended(Form form, MemoryRecords records) {
        if (form.logAppend)
            for (MutableRecordBatch batch : records.batches()) batch.setMaxTimestamp(TimestampType.LOG_APPEND_TIME, APPEND_TIME);
        return records.buffer();
    }

    static ByteBuffer severalBatches(Form form) {
        ByteBuffer all = ByteBuffer.allocate(1 << 16);
        long[] starts = {0, 4, 1000};
        for (int at = 0; at < starts.length; at++)
            all.put(write(form, NOBODY, starts[at], numbered(at + 2)).duplicate());
        return all.flip();
    }

    /** Offsets that compaction has left. That of today's Kafka writes format 2 whatever it reads. */
    static ByteBuffer gaps(Form form) {
        List<SimpleRecord> records = numbered(12);
        if (form.magic > 1)
            return compacted(write(form, NOBODY, 100, records), at -> at == 2 || at == 3 || at == 7);
        MemoryRecordsBuilder builder = builder(form, NOBODY, 102);
        for (int at : new int[] {2, 3, 7}) builder.appendWithOffset(100 + at, dated(form, records.get(at)));
        return appended(form, builder.build());
    }

    /** What compaction leaves when it keeps the records at the places named. */
    static ByteBuffer compacted(ByteBuffer bytes, IntPredicate kept) {
        long first = MemoryRecords.readableRecords(bytes).batches().iterator().next().baseOffset();
        return filter(bytes, 0, record -> kept.test((int) (record.offset() - first)));
    }

    /** What compaction leaves when it sees tombstones for the first time: all, with a time to delete them at. */
    static ByteBuffer tombstones(ByteBuffer bytes) {
        return filter(bytes, 60_000, record -> true);
    }

    static ByteBuffer filter(ByteBuffer bytes, long deleteRetentionMs, java.util.function.Predicate<Record> kept) {
        MemoryRecords.RecordFilter filter = new MemoryRecords.RecordFilter(TIME + 1000, deleteRetentionMs) {
            @Override
            protected BatchRetentionResult checkBatchRetention(RecordBatch batch) {
                return new BatchRetentionResult(BatchRetention.RETAIN_EMPTY, false);
            }

            @Override
            protected boolean shouldRetainRecord(RecordBatch batch, Record record) {
                return kept.test(record);
            }
        };
        ByteBuffer room = ByteBuffer.allocate(1 << 16);
        ByteBuffer filtered = MemoryRecords.readableRecords(bytes)
            .filterTo(filter, room, BufferSupplier.NO_CACHING).outputBuffer();
        return filtered.flip();
    }

    static ByteBuffer marker(Form form, ControlRecordType type) {
        return appended(form, MemoryRecords.withEndTransactionMarker(77, TIME, LEADER_EPOCH, TRANSACTIONAL.id,
            TRANSACTIONAL.epoch, new EndTransactionMarker(type, 9)));
    }

    static List<SimpleRecord> numbered(int count) {
        List<SimpleRecord> records = new ArrayList<>();
        for (int at = 0; at < count; at++) records.add(record(at * 10L, "key-" + at, "value-" + at));
        return records;
    }

    /** Small records whose sizes and times vary, so that varints of several lengths occur. */
    static List<SimpleRecord> thousand() {
        Random random = new Random(1);
        List<SimpleRecord> records = new ArrayList<>();
        for (int at = 0; at < 1000; at++) {
            byte[] value = new byte[random.nextInt(12)];
            random.nextBytes(value);
            String key = random.nextInt(4) == 0 ? null : "k" + random.nextInt(50);
            records.add(new SimpleRecord(TIME + at * 37L - random.nextInt(500), key == null ? null : bytes(key), value));
        }
        return records;
    }

    /** Long enough that codecs need several of their own blocks or long matches. */
    static SimpleRecord large() {
        StringBuilder value = new StringBuilder();
        for (int at = 0; value.length() < 5000; at++) value.append("event ").append(at % 97).append(' ');
        return record(0, "large", value.toString());
    }

    static ArrayNode readRecords(ByteBuffer bytes) {
        ArrayNode records = array();
        for (RecordBatch batch : MemoryRecords.readableRecords(bytes.duplicate()).batches()) {
            for (Record record : batch) {
                ArrayNode fields = records.addArray().add(record.offset()).add(record.timestamp());
                fields.add(base64(record.key())).add(base64(record.value()));
                if (record.headers().length == 0) continue;
                ArrayNode headers = fields.addArray();
                for (Header header : record.headers())
                    headers.addArray().add(header.key()).add(header.value() == null ? null : base64(ByteBuffer.wrap(header.value())));
            }
        }
        return records;
    }

    static ArrayNode readBatches(ByteBuffer bytes) {
        ArrayNode batches = array();
        for (MutableRecordBatch batch : MemoryRecords.readableRecords(bytes.duplicate()).batches()) {
            ObjectNode fields = batches.addObject();
            fields.put("baseOffset", batch.baseOffset()).put("lastOffset", batch.lastOffset());
            fields.put("sizeInBytes", batch.sizeInBytes()).put("leaderEpoch", batch.partitionLeaderEpoch());
            fields.put("crc", batch.checksum()).put("compression", batch.compressionType().name).put("count", batch.countOrNull());
            fields.put("maxTimestamp", batch.maxTimestamp()).put("timestampType", batch.timestampType().name);
            fields.put("producerId", batch.producerId()).put("producerEpoch", batch.producerEpoch());
            fields.put("baseSequence", batch.baseSequence()).put("transactional", batch.isTransactional());
            if (batch.deleteHorizonMs().isPresent()) fields.put("deleteHorizon", batch.deleteHorizonMs().getAsLong());
            if (batch.isControlBatch()) control(fields.putObject("control"), batch.iterator().next());
        }
        return batches;
    }

    static void control(ObjectNode fields, Record record) {
        fields.put("type", ControlRecordType.parse(record.key()).name());
        fields.put("coordinatorEpoch", EndTransactionMarker.deserialize(record).coordinatorEpoch());
    }

    static SimpleRecord record(long later, String key, String value) {
        return new SimpleRecord(TIME + later, key == null ? null : bytes(key), value == null ? null : bytes(value));
    }

    static Header header(String key, byte[] value) {
        return new RecordHeader(key, value);
    }

    static byte[] bytes(String text) {
        return text.getBytes(StandardCharsets.UTF_8);
    }

    static String base64(ByteBuffer buffer) {
        if (buffer == null) return null;
        byte[] bytes = new byte[buffer.remaining()];
        buffer.duplicate().get(bytes);
        return Base64.getEncoder().encodeToString(bytes);
    }

    static ObjectNode object() {
        return JsonNodeFactory.instance.objectNode();
    }

    static ArrayNode array() {
        return JsonNodeFactory.instance.arrayNode();
    }

    static PrintStream open(Path file) throws Exception {
        return new PrintStream(Files.newOutputStream(file), false, StandardCharsets.UTF_8);
    }
}
