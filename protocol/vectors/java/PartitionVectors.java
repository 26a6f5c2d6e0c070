import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.MessageDigest;
import java.util.HexFormat;
import org.apache.kafka.clients.producer.internals.BuiltInPartitioner;

/**
 * Where Kafka's default partitioner puts a million random keys: partitions.sha1 in the folder given, the SHA-1 of all
 * of them, two bytes each. Keys have 0 to 99 bytes and topics 1 to 1000 partitions; the numbers are those of SplitMix64
 * with seed 1: for each key its length, its bytes (eight from each number, the lowest first), its topic's partitions.
 */
public class PartitionVectors {
    private static long state = 1;

    public static void main(String[] arguments) throws Exception {
        MessageDigest digest = MessageDigest.getInstance("SHA-1");
        for (int i = 0; i < 1_000_000; i++) {
            byte[] key = new byte[below(100)];
            for (int at = 0; at < key.length; at += 8) {
                long number = number();
                for (int place = at; place < Math.min(at + 8, key.length); place++, number >>>= 8) key[place] = (byte) number;
            }
            int partition = BuiltInPartitioner.partitionForKey(key, 1 + below(1000));
            digest.update(new byte[] {(byte) (partition >> 8), (byte) partition});
        }
        String line = HexFormat.of().formatHex(digest.digest()) + "\n";
        Files.write(Path.of(arguments[0]).resolve("partitions.sha1"), line.getBytes(StandardCharsets.UTF_8));
    }

    static int below(int bound) {
        return (int) Long.remainderUnsigned(number(), bound);
    }

    static long number() {
        state += 0x9E3779B97F4A7C15L;
        long mixed = (state ^ (state >>> 30)) * 0xBF58476D1CE4E5B9L;
        mixed = (mixed ^ (mixed >>> 27)) * 0x94D049BB133111EBL;
        return mixed ^ (mixed >>> 31);
    }
}
