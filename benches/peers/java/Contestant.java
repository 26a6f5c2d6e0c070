import com.sun.management.OperatingSystemMXBean;
import java.lang.management.ManagementFactory;
import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;
import java.nio.ByteOrder;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Properties;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.atomic.AtomicReference;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.clients.consumer.KafkaConsumer;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.serialization.ByteArrayDeserializer;
import org.apache.kafka.common.serialization.ByteArraySerializer;

/**
 * Kafka's own client as a contestant: it does the one job that its arguments name=value say, measures itself, and prints
 * the outcome as the other contestants do.
 *
 * The first quarter of the records warms the virtual machine up; what the rest takes counts for all.
 */
final class Contestant {
    private static final int KEY_SIZE = 11;
    private static final int WARM_UP = 4;
    private static final VarHandle WORDS =
        MethodHandles.byteArrayViewVarHandle(long[].class, ByteOrder.LITTLE_ENDIAN);

    private final Map<String, String> job = new HashMap<>();
    private final long expected;
    private long records;
    private long offsets;
    private long values;
    private long begunAt;
    private long begunProcessor;

    private Contestant(String[] arguments) {
        for (String argument : arguments) {
            String[] named = argument.split("=", 2);
            job.put(named[0], named[1]);
        }
        expected = number("records");
    }

    public static void main(String[] arguments) {
        try {
            Contestant contestant = new Contestant(arguments);
            contestant.watch();
            if (contestant.job.get("work").equals("fetch")) {
                contestant.fetch();
            } else {
                contestant.produce();
            }
        } catch (Exception error) {
            fail(error.toString());
        }
    }

    private static void fail(String why) {
        System.out.println("error: " + why.replace('\n', ' '));
        Runtime.getRuntime().halt(1);
    }

    private void watch() {
        Thread watch = new Thread(() -> {
            try {
                Thread.sleep(Duration.ofSeconds(number("limit")).toMillis());
                fail("not done in time");
            } catch (InterruptedException never) {
                Thread.currentThread().interrupt();
            }
        });
        watch.setDaemon(true);
        watch.start();
    }

    private void fetch() {
        Properties properties = properties();
        properties.put("key.deserializer", ByteArrayDeserializer.class.getName());
        properties.put("value.deserializer", ByteArrayDeserializer.class.getName());
        if (!isShipped()) {
            properties.put("max.poll.records", "100000");
            properties.put("max.partition.fetch.bytes", Integer.toString(1 << 20));
            properties.put("fetch.max.bytes", Integer.toString(50 << 20));
        }
        List<TopicPartition> partitions = new ArrayList<>();
        for (int partition = 0; partition < number("partitions"); partition++) {
            partitions.add(new TopicPartition(job.get("topic"), partition));
        }
        try (KafkaConsumer<byte[], byte[]> consumer = new KafkaConsumer<>(properties)) {
            consumer.assign(partitions);
            partitions.forEach(partition -> consumer.seek(partition, 0));
            while (records < expected) {
                for (ConsumerRecord<byte[], byte[]> record : consumer.poll(Duration.ofSeconds(1))) {
                    add(record.offset(), record.value());
                }
            }
            finish();
        }
    }

    private void add(long offset, byte[] value) {
        if (records == expected / WARM_UP) {
            begin();
        }
        records++;
        offsets += offset;
        int words = value.length & ~7;
        long sum = value.length;
        for (int at = 0; at < words; at += 8) {
            sum += (long) WORDS.get(value, at);
        }
        long last = 0;
        for (int at = words; at < value.length; at++) {
            last |= (value[at] & 0xffL) << 8 * (at - words);
        }
        values += sum + last;
    }

    private void produce() throws Exception {
        Properties properties = properties();
        properties.put("key.serializer", ByteArraySerializer.class.getName());
        properties.put("value.serializer", ByteArraySerializer.class.getName());
        properties.put("compression.type", job.get("codec"));
        if (!isShipped()) {
            properties.put("batch.size", Integer.toString(256 << 10));
            properties.put("linger.ms", "10");
            properties.put("buffer.memory", Integer.toString(64 << 20));
        }
        byte[] entries = Files.readAllBytes(Path.of(job.get("entries")));
        int size = KEY_SIZE + (int) number("value-size");
        int count = entries.length / size;
        byte[][] keys = new byte[count][];
        byte[][] values = new byte[count][];
        for (int at = 0; at < count; at++) {
            keys[at] = Arrays.copyOfRange(entries, at * size, at * size + KEY_SIZE);
            values[at] = Arrays.copyOfRange(entries, at * size + KEY_SIZE, (at + 1) * size);
        }
        AtomicLong acknowledged = new AtomicLong();
        AtomicReference<Exception> failure = new AtomicReference<>();
        int partitions = (int) number("partitions");
        try (KafkaProducer<byte[], byte[]> producer = new KafkaProducer<>(properties)) {
            for (long turn = 0; turn < expected; turn++) {
                if (turn == expected / WARM_UP) {
                    begin();
                }
                int entry = (int) (turn % count);
                ProducerRecord<byte[], byte[]> record = new ProducerRecord<>(
                    job.get("topic"), (int) (turn % partitions), keys[entry], values[entry]);
                producer.send(record, (metadata, error) -> {
                    if (error == null) {
                        acknowledged.incrementAndGet();
                    } else {
                        failure.set(error);
                    }
                });
            }
            producer.flush();
            if (failure.get() != null) {
                throw failure.get();
            }
            records = acknowledged.get();
            finish();
        }
    }

    private Properties properties() {
        Properties properties = new Properties();
        properties.put("bootstrap.servers", job.get("servers"));
        if (job.containsKey("ca")) {
            properties.put("security.protocol", "SSL");
            properties.put("ssl.truststore.type", "PEM");
            properties.put("ssl.truststore.location", job.get("ca"));
        }
        return properties;
    }

    private boolean isShipped() {
        return job.get("shipped").equals("true");
    }

    private long number(String name) {
        return Long.parseLong(job.get(name));
    }

    private static long processor() {
        return ((OperatingSystemMXBean) ManagementFactory.getOperatingSystemMXBean()).getProcessCpuTime();
    }

    private void begin() {
        begunAt = System.nanoTime();
        begunProcessor = processor();
    }

    private void finish() {
        long elapsed = System.nanoTime() - begunAt;
        long processor = processor() - begunProcessor;
        double part = (double) (expected - expected / WARM_UP) / expected;
        System.out.println(Math.round(elapsed / part) + " " + Math.round(processor / part) + " 0 " + peakMemory() + " "
            + records + " " + Long.toUnsignedString(offsets) + " " + Long.toUnsignedString(values));
        System.out.flush();
        Runtime.getRuntime().halt(0);
    }

    /** What Linux says of this process, in bytes; 0 elsewhere. */
    private static long peakMemory() {
        try {
            for (String line : Files.readAllLines(Path.of("/proc/self/status"))) {
                if (line.startsWith("VmHWM:")) {
                    return Long.parseLong(line.replaceAll("\\D", "")) << 10;
                }
            }
        } catch (Exception elsewhere) {
            return 0;
        }
        return 0;
    }
}
