import java.io.BufferedReader;
import java.io.InputStreamReader;
import java.nio.charset.StandardCharsets;
import java.util.regex.Pattern;
import java.util.regex.PatternSyntaxException;

/**
 * Which names Java's regular expressions match as a whole. Each line of the input is a pattern and names, separated by
 * tabs; the line printed for it has a `1` or `0` for each name, or is `-` where the pattern is none.
 */
public class Match {
    public static void main(String[] arguments) throws Exception {
        BufferedReader lines = new BufferedReader(new InputStreamReader(System.in, StandardCharsets.UTF_8));
        StringBuilder out = new StringBuilder();
        for (String line = lines.readLine(); line != null; line = lines.readLine()) {
            String[] fields = line.split("\t", -1);
            try {
                Pattern pattern = Pattern.compile(fields[0]);
                for (int i = 1; i < fields.length; i++) {
                    out.append(pattern.matcher(fields[i]).matches() ? '1' : '0');
                }
            } catch (PatternSyntaxException noPattern) {
                out.append('-');
            }
            out.append('\n');
        }
        System.out.print(out);
    }
}
