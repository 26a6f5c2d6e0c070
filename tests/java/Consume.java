import java.io.BufferedOutputStream;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Properties;
import java.util.stream.Collectors;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.clients.consumer.KafkaConsumer;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.serialization.ByteArrayDeserializer;

/**
 * Kafka's own consumer, which reads a topic from its beginning to the end that it has now and prints one record a
 * line, `partition TAB offset TAB timestamp TAB key TAB value`, `\N` for an absent field. Arguments: the topic,
 * then consumer properties as `name=value`.
 */
public class Consume {
    public static void main(String[] arguments) {
        Properties properties = new Properties();
        for (int i = 1; i < arguments.length; i++) {
            String[] pair = arguments[i].split("=", 2);
            properties.setProperty(pair[0], pair[1]);
        }
        ByteArrayDeserializer bytes = new ByteArrayDeserializer();
        PrintStream out = new PrintStream(new BufferedOutputStream(System.out, 1 << 16), false, StandardCharsets.UTF_8);
        try (KafkaConsumer<byte[], byte[]> consumer = new KafkaConsumer<>(properties, bytes, bytes)) {
            List<TopicPartition> partitions = consumer.partitionsFor(arguments[0]).stream()
                .map(known -> new TopicPartition(known.topic(), known.partition()))
                .collect(Collectors.toList());
            consumer.assign(partitions);
            consumer.seekToBeginning(partitions);
            Map<TopicPartition, Long> ends = consumer.endOffsets(partitions);
            while (ends.entrySet().stream().anyMatch(end -> consumer.position(end.getKey()) < end.getValue())) {
                for (ConsumerRecord<byte[], byte[]> record : consumer.poll(Duration.ofSeconds(1))) {
                    out.printf("%d\t%d\t%d\t%s\t%s%n", record.partition(), record.offset(), record.timestamp(),
                        text(record.key()), text(record.value()));
                }
            }
        }
        out.flush();
    }

    private static String text(byte[] field) {
        return field == null ? "\\N" : new String(field, StandardCharsets.UTF_8);
    }
}
