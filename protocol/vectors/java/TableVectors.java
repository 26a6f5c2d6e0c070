import java.io.PrintStream;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HexFormat;
import java.util.List;
import java.util.Random;
import java.util.TreeSet;
import java.util.function.BiConsumer;
import org.apache.kafka.common.utils.ByteUtils;
import org.apache.kafka.common.utils.Crc32C;
import org.apache.kafka.common.utils.Utils;

/** Writes what Kafka's own functions make of numbers and bytes: murmur2.tsv, varint.tsv and crc32c.tsv in the folder given. */
public class TableVectors {
    public static void main(String[] arguments) throws Exception {
        Path folder = Path.of(arguments[0]);
        try (PrintStream rows = open(folder.resolve("murmur2.tsv"))) {
            for (byte[] key : byteStrings()) {
                int hash = Utils.murmur2(key);
                int positive = Utils.toPositive(hash);
                rows.println(hex(key) + "\t" + hash + "\t" + positive % 12 + "\t" + positive % 1000);
            }
        }
        try (PrintStream rows = open(folder.resolve("crc32c.tsv"))) {
            for (byte[] bytes : byteStrings()) {
                rows.println(hex(bytes) + "\t" + Crc32C.compute(bytes, 0, bytes.length));
            }
        }
        try (PrintStream rows = open(folder.resolve("varint.tsv"))) {
            for (long number : numbers()) {
                rows.println(row("varlong", number, ByteUtils::writeVarlong));
                if (number == (int) number) rows.println(row("varint", (int) number, ByteUtils::writeVarint));
                if (number >= 0 && number < 1L << 32)
                    rows.println(row("unsigned", number, (value, buffer) -> ByteUtils.writeUnsignedVarint(value.intValue(), buffer)));
            }
        }
    }

    static <N> String row(String kind, N number, BiConsumer<N, ByteBuffer> write) {
        ByteBuffer buffer = ByteBuffer.allocate(10);
        write.accept(number, buffer);
        return kind + "\t" + number + "\t" + HexFormat.of().formatHex(buffer.array(), 0, buffer.position());
    }

    /** Around every place where another byte is needed, and some in between. */
    static TreeSet<Long> numbers() {
        TreeSet<Long> numbers = new TreeSet<>();
        for (int bits = 0; bits < 64; bits++) {
            for (long near = -2; near <= 1; near++) {
                numbers.add((1L << bits) + near);
                numbers.add(-(1L << bits) - near);
            }
        }
        Random random = new Random(2);
        for (int shift = 0; shift < 64; shift += 2) numbers.add(random.nextLong() >> shift);
        return numbers;
    }

    /** Every length up to 40 and some beyond, of bytes of every value; and text. */
    static List<byte[]> byteStrings() {
        Random random = new Random(3);
        List<byte[]> strings = new ArrayList<>();
        for (int length = 0; length <= 40; length++) strings.add(random(random, length));
        for (int length : new int[] {63, 64, 65, 100, 255, 256, 257, 1000, 1023, 1024, 1025, 3000}) strings.add(random(random, length));
        for (int value : new int[] {0, 1, 0x7f, 0x80, 0xff}) {
            for (int length : new int[] {1, 2, 3, 4, 5, 32}) {
                byte[] same = new byte[length];
                java.util.Arrays.fill(same, (byte) value);
                strings.add(same);
            }
        }
        for (String text : new String[] {"21", "foobar", "orders-7", "customer-1000001", "ключ", "鍵", "🔑", "a b c"})
            strings.add(text.getBytes(StandardCharsets.UTF_8));
        for (int number = 0; number < 100; number++) strings.add(("user-" + number * 7919).getBytes(StandardCharsets.UTF_8));
        return strings;
    }

    static byte[] random(Random random, int length) {
        byte[] bytes = new byte[length];
        random.nextBytes(bytes);
        return bytes;
    }

    static String hex(byte[] bytes) {
        return HexFormat.of().formatHex(bytes);
    }

    static PrintStream open(Path file) throws Exception {
        return new PrintStream(Files.newOutputStream(file), false, StandardCharsets.UTF_8);
    }
}
