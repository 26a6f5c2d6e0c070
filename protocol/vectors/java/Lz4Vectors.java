import java.io.OutputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.zip.CRC32C;
import org.apache.kafka.common.compress.Compression;
import org.apache.kafka.common.record.internal.RecordBatch;
import org.apache.kafka.common.utils.ByteBufferOutputStream;

/**
 * How many bytes Kafka makes of 200,000 bytes of JSON with lz4 at each level: lz4-levels.tsv in the folder given. Its
 * first row is the text's CRC-32C. The numbers in the text are those of SplitMix64 with seed 1: for each object its id,
 * its user and then eight words.
 */
public class Lz4Vectors {
    private static final String[] WORDS = {
        "about", "account", "basket", "billing", "carrier", "courier", "customer", "delayed",
        "discount", "express", "invoice", "order", "package", "payment", "refund", "voucher",
    };
    private static long state = 1;

    public static void main(String[] arguments) throws Exception {
        byte[] text = text(200_000);
        CRC32C checksum = new CRC32C();
        checksum.update(text);
        StringBuilder rows = new StringBuilder("text\t" + checksum.getValue() + "\n");
        for (int level = 1; level <= 17; level++) {
            ByteBufferOutputStream frame = new ByteBufferOutputStream(512);
            Compression lz4 = Compression.lz4().level(level).build();
            try (OutputStream output = lz4.wrapForOutput(frame, RecordBatch.CURRENT_MAGIC_VALUE)) {
                output.write(text);
            }
            rows.append(level + "\t" + frame.position() + "\n");
        }
        Files.writeString(Path.of(arguments[0]).resolve("lz4-levels.tsv"), rows);
    }

    static byte[] text(int size) {
        StringBuilder text = new StringBuilder();
        while (text.length() < size) {
            text.append("{\"id\":" + below(1L << 32) + ",\"user\":\"u" + below(50_000) + "\",\"note\":\"");
            for (int i = 0; i < 8; i++) text.append(WORDS[(int) below(WORDS.length)] + " ");
            text.append("\"}");
        }
        return text.substring(0, size).getBytes(StandardCharsets.UTF_8);
    }

    static long below(long bound) {
        return Long.remainderUnsigned(number(), bound);
    }

    static long number() {
        state += 0x9E3779B97F4A7C15L;
        long mixed = (state ^ (state >>> 30)) * 0xBF58476D1CE4E5B9L;
        mixed = (mixed ^ (mixed >>> 27)) * 0x94D049BB133111EBL;
        return mixed ^ (mixed >>> 31);
    }
}
