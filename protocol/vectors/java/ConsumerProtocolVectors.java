import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.PrintStream;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Base64;
import java.util.List;
import java.util.Optional;
import org.apache.kafka.clients.consumer.ConsumerPartitionAssignor.Assignment;
import org.apache.kafka.clients.consumer.ConsumerPartitionAssignor.Subscription;
import org.apache.kafka.clients.consumer.internals.ConsumerProtocol;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.message.ConsumerProtocolAssignment;
import org.apache.kafka.common.message.ConsumerProtocolSubscription;
import org.apache.kafka.common.protocol.MessageUtil;

/**
 * Writes subscriptions and assignments of the consumer protocol in every version with Kafka's own classes, and what
 * those classes read in them, as JSON lines: consumer-protocol.jsonl in the folder given. "written" is what they make
 * of what they have read.
 */
public class ConsumerProtocolVectors {
    static final short NEWEST = ConsumerProtocolSubscription.HIGHEST_SUPPORTED_VERSION;
    /** What no version known today says. */
    static final byte[] FROM_THE_FUTURE = "from the future".getBytes(StandardCharsets.UTF_8);

    public static void main(String[] arguments) throws Exception {
        Path file = Path.of(arguments[0]).resolve("consumer-protocol.jsonl");
        try (PrintStream lines = new PrintStream(Files.newOutputStream(file), false, StandardCharsets.UTF_8)) {
            for (short version = 0; version <= NEWEST; version++) {
                subscriptions(version, lines);
                assignments(version, lines);
            }
            for (short version : new short[] {NEWEST + 1, Short.MAX_VALUE}) {
                lines.println(subscription("future", 0, future(ConsumerProtocol.serializeSubscription(many()), version)));
                lines.println(subscription("future", FROM_THE_FUTURE.length,
                    longer(future(ConsumerProtocol.serializeSubscription(many()), version))));
                lines.println(assignment("future", FROM_THE_FUTURE.length,
                    longer(future(ConsumerProtocol.serializeAssignment(manyAssigned()), version))));
            }
        }
    }

    static void subscriptions(short version, PrintStream lines) {
        write("empty", new Subscription(List.of()), version, lines);
        write("one", new Subscription(List.of("orders"), bytes(0), List.of(new TopicPartition("orders", 0)), 0,
            Optional.of("a")), version, lines);
        write("many", many(), version, lines);
        write("no-rack", new Subscription(List.of("orders", "users"), null, owned(), 12, Optional.empty()), version, lines);
        write("nothing-owned", new Subscription(List.of("orders"), bytes(1), List.of(), -1, Optional.of("rack-2")), version, lines);
        write("greatest", new Subscription(List.of("x".repeat(249), "ключ🔑"), bytes(1000),
            List.of(new TopicPartition("x".repeat(249), Integer.MAX_VALUE)), Integer.MAX_VALUE,
            Optional.of("ключ \"🔑\"\\\n\u0000".repeat(12))), version, lines);
        write("least", new Subscription(List.of(""), bytes(0), List.of(new TopicPartition("", Integer.MIN_VALUE)),
            Integer.MIN_VALUE, Optional.of("")), version, lines);
        // What the client itself never writes, but reads.
        ConsumerProtocolSubscription odd = new ConsumerProtocolSubscription().setTopics(List.of("b", "a", "b"))
            .setGenerationId(-5).setRackId("");
        for (Object[] each : REPEATED)
            odd.ownedPartitions().add(new ConsumerProtocolSubscription.TopicPartition().setTopic((String) each[0])
                .setPartitions(List.of((Integer[]) each[1])));
        lines.println(subscription("repeated", 0, MessageUtil.toVersionPrefixedByteBuffer(version, odd)));
    }

    static void assignments(short version, PrintStream lines) {
        write("empty", new Assignment(List.of()), version, lines);
        write("one", new Assignment(List.of(new TopicPartition("orders", 0)), bytes(0)), version, lines);
        write("many", manyAssigned(), version, lines);
        write("no-user-data", new Assignment(owned(), null), version, lines);
        write("greatest", new Assignment(List.of(new TopicPartition("x".repeat(249), Integer.MAX_VALUE),
            new TopicPartition("ключ🔑", 0)), bytes(1000)), version, lines);
        write("least", new Assignment(List.of(new TopicPartition("", Integer.MIN_VALUE)), bytes(0)), version, lines);
        ConsumerProtocolAssignment odd = new ConsumerProtocolAssignment();
        for (Object[] each : REPEATED)
            odd.assignedPartitions().add(new ConsumerProtocolAssignment.TopicPartition().setTopic((String) each[0])
                .setPartitions(List.of((Integer[]) each[1])));
        lines.println(assignment("repeated", 0, MessageUtil.toVersionPrefixedByteBuffer(version, odd)));
    }

    static final Object[][] REPEATED = {
        {"b", new Integer[] {2, 0}}, {"empty", new Integer[0]}, {"a", new Integer[] {5}}, {"b", new Integer[] {1, 2}}};

    static Subscription many() {
        return new Subscription(List.of("users", "orders", "payments.v2"), bytes(20), owned(), 7, Optional.of("rack-1"));
    }

    static Assignment manyAssigned() {
        return new Assignment(owned(), bytes(20));
    }

    /** Partitions of three topics in no order. */
    static List<TopicPartition> owned() {
        return List.of(new TopicPartition("users", 3), new TopicPartition("orders", 11), new TopicPartition("users", 0),
            new TopicPartition("payments.v2", 1), new TopicPartition("orders", 2), new TopicPartition("orders", 1));
    }

    static ByteBuffer bytes(int count) {
        byte[] bytes = new byte[count];
        for (int at = 0; at < count; at++) bytes[at] = (byte) (at * 7 - 128);
        return ByteBuffer.wrap(bytes);
    }

    static void write(String shape, Subscription subscription, short version, PrintStream lines) {
        lines.println(subscription(shape, 0, ConsumerProtocol.serializeSubscription(subscription, version)));
    }

    static void write(String shape, Assignment assignment, short version, PrintStream lines) {
        lines.println(assignment(shape, 0, ConsumerProtocol.serializeAssignment(assignment, version)));
    }

    /** The same bytes as another version. */
    static ByteBuffer future(ByteBuffer bytes, short version) {
        return bytes.duplicate().putShort(0, version);
    }

    static ByteBuffer longer(ByteBuffer bytes) {
        return ByteBuffer.allocate(bytes.remaining() + FROM_THE_FUTURE.length).put(bytes).put(FROM_THE_FUTURE).flip();
    }

    static ObjectNode subscription(String shape, int unknown, ByteBuffer bytes) {
        Subscription read = ConsumerProtocol.deserializeSubscription(bytes.duplicate());
        ObjectNode fields = object();
        ArrayNode topics = fields.putArray("topics");
        read.topics().forEach(topics::add);
        fields.put("userData", base64(read.userData()));
        fields.set("ownedPartitions", partitions(read.ownedPartitions()));
        fields.put("generationId", read.generationId().orElse(null));
        fields.put("rackId", read.rackId().orElse(null));
        return line("Subscription", shape, unknown, bytes, fields,
            ConsumerProtocol.serializeSubscription(read, bytes.getShort(0)));
    }

    static ObjectNode assignment(String shape, int unknown, ByteBuffer bytes) {
        Assignment read = ConsumerProtocol.deserializeAssignment(bytes.duplicate());
        ObjectNode fields = object();
        fields.set("partitions", partitions(read.partitions()));
        fields.put("userData", base64(read.userData()));
        return line("Assignment", shape, unknown, bytes, fields,
            ConsumerProtocol.serializeAssignment(read, bytes.getShort(0)));
    }

    static ObjectNode line(String kind, String shape, int unknown, ByteBuffer bytes, ObjectNode fields, ByteBuffer written) {
        ObjectNode line = object();
        line.put("kind", kind).put("version", bytes.getShort(0)).put("shape", shape).put("unknown", unknown);
        line.put("bytes", base64(bytes)).put("written", base64(written)).set("fields", fields);
        return line;
    }

    static ArrayNode partitions(List<TopicPartition> partitions) {
        ArrayNode array = JsonNodeFactory.instance.arrayNode();
        partitions.forEach(each -> array.addArray().add(each.topic()).add(each.partition()));
        return array;
    }

    static ObjectNode object() {
        return JsonNodeFactory.instance.objectNode();
    }

    static String base64(ByteBuffer buffer) {
        if (buffer == null) return null;
        byte[] bytes = new byte[buffer.remaining()];
        buffer.duplicate().get(bytes);
        return Base64.getEncoder().encodeToString(bytes);
    }
}
