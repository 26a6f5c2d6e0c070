import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.TreeMap;
import org.apache.kafka.clients.admin.AdminClientConfig;
import org.apache.kafka.clients.consumer.ConsumerConfig;
import org.apache.kafka.clients.producer.ProducerConfig;
import org.apache.kafka.common.config.ConfigDef;

/** Writes every public property of the producer, the consumer and the admin client into the file given. */
public class KafkaProperties {
    public static void main(String[] arguments) throws Exception {
        Map<String, ConfigDef> clients = new LinkedHashMap<>();
        clients.put("admin", AdminClientConfig.configDef());
        clients.put("consumer", ConsumerConfig.configDef());
        clients.put("producer", ProducerConfig.configDef());
        // Clients that agree on a property share its row.
        TreeMap<String, String> rows = new TreeMap<>();
        clients.forEach((client, definitions) -> definitions.configKeys().values().forEach(key -> {
            if (!key.internalConfig) rows.merge(row(key), client, (others, one) -> others + "," + one);
        }));
        try (PrintStream out = new PrintStream(arguments[0], StandardCharsets.UTF_8)) {
            out.println("name\ttype\tdefault\tvalid\timportance\tclients");
            rows.forEach((row, readers) -> out.println(row + "\t" + readers));
        }
    }

    static String row(ConfigDef.ConfigKey key) {
        String valid = key.validator == null ? "" : key.validator.toString();
        return String.join("\t", key.name, key.type.toString(), defaultOf(key), valid, key.importance.toString());
    }

    static String defaultOf(ConfigDef.ConfigKey key) {
        if (key.defaultValue == ConfigDef.NO_DEFAULT_VALUE) return "(required)";
        if (key.defaultValue == null) return "(unset)";
        // Of a list of classes it would say that they are classes.
        return ConfigDef.convertToString(key.defaultValue, key.type).replace("class ", "");
    }
}
