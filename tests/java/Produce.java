import java.io.BufferedReader;
import java.io.InputStreamReader;
import java.nio.charset.StandardCharsets;
import java.util.Properties;
import java.util.concurrent.atomic.AtomicReference;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.common.serialization.ByteArraySerializer;

/**
 * Kafka's own producer, fed from standard input: one record a line, `partition TAB timestamp TAB key TAB value`,
 * `\N` for an absent field. Arguments: the topic, then producer properties as `name=value`. With a
 * `transactional.id` all records are one transaction, which is committed; a line `\A` aborts what came before it.
 */
public class Produce {
    public static void main(String[] arguments) throws Exception {
        Properties properties = new Properties();
        for (int i = 1; i < arguments.length; i++) {
            String[] pair = arguments[i].split("=", 2);
            properties.setProperty(pair[0], pair[1]);
        }
        AtomicReference<Exception> failure = new AtomicReference<>();
        ByteArraySerializer bytes = new ByteArraySerializer();
        BufferedReader lines = new BufferedReader(new InputStreamReader(System.in, StandardCharsets.UTF_8), 1 << 20);
        long sent = 0;
        try (KafkaProducer<byte[], byte[]> producer = new KafkaProducer<>(properties, bytes, bytes)) {
            boolean isTransactional = properties.containsKey("transactional.id");
            if (isTransactional) {
                producer.initTransactions();
                producer.beginTransaction();
            }
            for (String line = lines.readLine(); line != null; line = lines.readLine()) {
                if (line.equals("\\A")) {
                    producer.flush();
                    producer.abortTransaction();
                    producer.beginTransaction();
                    continue;
                }
                producer.send(record(arguments[0], line), (metadata, exception) -> {
                    if (exception != null) {
                        failure.compareAndSet(null, exception);
                    }
                });
                sent++;
            }
            if (isTransactional) {
                producer.commitTransaction();
            }
        }
        if (failure.get() != null) {
            throw failure.get();
        }
        System.out.println(sent);
    }

    private static ProducerRecord<byte[], byte[]> record(String topic, String line) {
        String[] fields = line.split("\t", 4);
        Integer partition = fields[0].equals("\\N") ? null : Integer.valueOf(fields[0]);
        Long timestamp = fields[1].equals("\\N") ? null : Long.valueOf(fields[1]);
        return new ProducerRecord<>(topic, partition, timestamp, payload(fields[2]), payload(fields[3]));
    }

    private static byte[] payload(String field) {
        return field.equals("\\N") ? null : field.getBytes(StandardCharsets.UTF_8);
    }
}
