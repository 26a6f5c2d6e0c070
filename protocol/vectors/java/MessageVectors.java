import com.fasterxml.jackson.core.JsonParser;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.BinaryNode;
import com.fasterxml.jackson.databind.node.BooleanNode;
import com.fasterxml.jackson.databind.node.IntNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.LongNode;
import com.fasterxml.jackson.databind.node.NullNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import com.fasterxml.jackson.databind.node.TextNode;
import java.io.InputStream;
import java.io.PrintStream;
import java.lang.reflect.InvocationTargetException;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.Base64;
import java.util.Collection;
import java.util.Iterator;
import java.util.Map;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.apache.kafka.common.Uuid;
import org.apache.kafka.common.message.RequestHeaderData;
import org.apache.kafka.common.message.ResponseHeaderData;
import org.apache.kafka.common.protocol.ApiKeys;
import org.apache.kafka.common.protocol.ApiMessage;
import org.apache.kafka.common.protocol.ByteBufferAccessor;
import org.apache.kafka.common.protocol.Message;
import org.apache.kafka.common.protocol.MessageSizeAccumulator;
import org.apache.kafka.common.protocol.ObjectSerializationCache;
import org.apache.kafka.common.protocol.types.RawTaggedField;

/**
 * Writes requests and responses with Kafka's own classes, and what those classes read in them, as JSON lines:
 * messages.jsonl in the folder given. Which APIs and versions is read from the table in api.rs; what their fields are,
 * from the schemas that the Kafka client carries.
 */
public class MessageVectors {
    static final ObjectMapper JSON = new ObjectMapper().enable(JsonParser.Feature.ALLOW_COMMENTS);
    static final Pattern SPOKEN = Pattern.compile("\\(ApiKey::(\\w+), VersionRange \\{ min: (\\d+), max: (\\d+) \\}\\)");

    /** What the fields of a message are filled with. */
    enum Shape {
        /** Nothing: what a message has when it is made. */
        DEFAULTS,
        /** Three elements in each array, and whatever has a default left at it. */
        PLAIN,
        /** The least numbers, empty strings, one element in each array. */
        LEAST,
        /** The greatest numbers, text beyond ASCII, one element in each array. */
        GREATEST,
        /** Nulls wherever one is allowed, in the header, too. */
        NULLS,
        /** Three elements in each array; every number and text is another one, so that no field passes for its neighbour. */
        MANY,
        /** As MANY, and tagged fields that no version knows in the header and in every structure. */
        TAGGED,
    }

    public static void main(String[] arguments) throws Exception {
        Matcher spoken = SPOKEN.matcher(Files.readString(Path.of(arguments[0])));
        Path file = Path.of(arguments[1]).resolve("messages.jsonl");
        try (PrintStream lines = new PrintStream(Files.newOutputStream(file), false, StandardCharsets.UTF_8)) {
            while (spoken.find()) {
                short least = Short.parseShort(spoken.group(2)), greatest = Short.parseShort(spoken.group(3));
                for (String kind : new String[] {"Request", "Response"})
                    for (short version = least; version <= greatest; version++)
                        for (Shape shape : Shape.values()) write(spoken.group(1), kind, version, shape, lines);
            }
        }
    }

    static void write(String api, String kind, short version, Shape shape, PrintStream lines) throws Exception {
        Vector vector = new Vector(api, kind, version, shape);
        // Older versions have no tagged fields.
        if (shape == Shape.TAGGED && !vector.flexible()) return;
        lines.println(vector.line());
    }

    /** One message of one shape. */
    static class Vector {
        final ApiKeys key;
        final String name;
        final String kind;
        final short version;
        final Shape shape;
        final JsonNode schema;
        /** How many values have been filled in. */
        int serial;

        Vector(String api, String kind, short version, Shape shape) throws Exception {
            this.key = Arrays.stream(ApiKeys.values()).filter(each -> each.name.equals(api)).findAny().orElseThrow();
            this.name = api + kind;
            this.kind = kind;
            this.version = version;
            this.shape = shape;
            try (InputStream json = ApiKeys.class.getResourceAsStream("/common/message/" + name + ".json")) {
                this.schema = JSON.readTree(json);
            }
        }

        boolean flexible() {
            return covers(schema.get("flexibleVersions"), version);
        }

        ObjectNode line() throws Exception {
            ObjectNode filled = shape == Shape.DEFAULTS ? null : structure(schema.get("fields"));
            ApiMessage message = filled == null ? empty() : (ApiMessage) converter("read", JsonNode.class, filled);
            if (shape == Shape.TAGGED) addUnknownTags(message, filled);
            ByteBuffer body = bytes(message, version);
            ApiMessage read = empty();
            read.read(new ByteBufferAccessor(body.duplicate()), version);
            if (!read.equals(message)) throw new AssertionError(name + " " + version + " " + shape);
            ObjectNode fields = (ObjectNode) converter("write", read.getClass(), read);
            complete(fields, filled, read);
            ObjectNode line = JsonNodeFactory.instance.objectNode();
            line.put("api", key.name).put("kind", kind).put("version", version).put("shape", shape.name().toLowerCase());
            line.put("header", base64(header())).put("body", base64(body)).set("fields", fields);
            return line;
        }

        ApiMessage empty() {
            return kind.equals("Request") ? key.messageType.newRequest() : key.messageType.newResponse();
        }

        ByteBuffer header() throws Exception {
            if (kind.equals("Response"))
                return header(new ResponseHeaderData().setCorrelationId(42), key.responseHeaderVersion(version));
            RequestHeaderData header = new RequestHeaderData().setRequestApiKey(key.id).setRequestApiVersion(version)
                .setCorrelationId(42).setClientId(shape == Shape.NULLS ? null : "kavka");
            return header(header, key.requestHeaderVersion(version));
        }

        ByteBuffer header(ApiMessage header, short headerVersion) throws Exception {
            boolean tagged = headerVersion > (kind.equals("Response") ? 0 : 1);
            if (shape == Shape.TAGGED && tagged) addUnknownTags(header, JsonNodeFactory.instance.objectNode());
            return bytes(header, headerVersion);
        }

        /** Calls {@code read} or {@code write} of the class that turns the message from and into JSON. */
        Object converter(String method, Class<?> type, Object argument) throws Exception {
            Class<?> converter = Class.forName("org.apache.kafka.common.message." + name + "DataJsonConverter");
            try {
                return converter.getMethod(method, type, short.class).invoke(null, argument, version);
            } catch (InvocationTargetException failure) {
                throw new AssertionError(name + " " + version + " " + shape, failure.getCause());
            }
        }

        ObjectNode structure(JsonNode fields) {
            ObjectNode filled = JsonNodeFactory.instance.objectNode();
            for (JsonNode field : fields) {
                if (!covers(field.get("versions"), version) || shape == Shape.PLAIN && field.has("tag")) continue;
                String name = field.get("name").asText();
                filled.set(name.substring(0, 1).toLowerCase() + name.substring(1), value(field));
            }
            return filled;
        }

        JsonNode value(JsonNode field) {
            String type = field.get("type").asText();
            boolean nullable = field.has("nullableVersions") && covers(field.get("nullableVersions"), version);
            if (shape == Shape.NULLS && nullable) return NullNode.instance;
            if (shape == Shape.PLAIN && field.has("default")) return defaultValue(type, field.get("default").asText());
            if (!type.startsWith("[]")) return single(type, field);
            ArrayNode elements = JsonNodeFactory.instance.arrayNode();
            for (int at = 0; at < count(nullable); at++) elements.add(single(type.substring(2), field));
            return elements;
        }

        int count(boolean nullable) {
            return switch (shape) {
                case PLAIN -> nullable ? 0 : 3;
                case MANY, TAGGED -> 3;
                default -> 1;
            };
        }

        JsonNode defaultValue(String type, String value) {
            if (value.equals("null")) return NullNode.instance;
            return switch (type) {
                case "bool" -> BooleanNode.valueOf(Boolean.parseBoolean(value));
                case "string" -> new TextNode(value);
                default -> new LongNode(Long.decode(value));
            };
        }

        JsonNode single(String type, JsonNode field) {
            serial++;
            return switch (type) {
                case "bool" -> BooleanNode.valueOf(shape == Shape.GREATEST || shape != Shape.LEAST && serial % 2 == 1);
                case "int8" -> new IntNode((int) number(Byte.MIN_VALUE, Byte.MAX_VALUE));
                case "int16" -> new IntNode((int) number(Short.MIN_VALUE, Short.MAX_VALUE));
                case "int32" -> new IntNode((int) number(Integer.MIN_VALUE, Integer.MAX_VALUE));
                case "int64" -> new LongNode(number(Long.MIN_VALUE, Long.MAX_VALUE));
                case "uint16" -> new IntNode((int) number(0, 0xffff));
                case "uuid" -> new TextNode(uuid().toString());
                case "string" -> new TextNode(text());
                case "bytes", "records" -> new BinaryNode(text().getBytes(StandardCharsets.UTF_8));
                default -> structure(field.has("fields") ? field.get("fields") : common(type));
            };
        }

        JsonNode common(String type) {
            for (JsonNode each : schema.path("commonStructs"))
                if (each.get("name").asText().equals(type)) return each.get("fields");
            throw new AssertionError(name + " has no " + type);
        }

        long number(long least, long greatest) {
            return switch (shape) {
                case LEAST -> least;
                case GREATEST -> greatest;
                default -> serial % Math.min(greatest, 30_000);
            };
        }

        Uuid uuid() {
            return switch (shape) {
                case LEAST -> new Uuid(0, 0);
                case GREATEST -> new Uuid(-1, -1);
                default -> new Uuid(0x0123456789abcdefL, serial);
            };
        }

        String text() {
            return switch (shape) {
                case LEAST -> "";
                case GREATEST -> "ключ \"🔑\"\\\n\u0000".repeat(12);
                default -> String.format("text-%03d", serial);
            };
        }

        /** What the converter leaves out: records, and tagged fields that it does not know. */
        void complete(ObjectNode fields, ObjectNode filled, Message read) throws Exception {
            ArrayNode unknown = JsonNodeFactory.instance.arrayNode();
            for (RawTaggedField tag : read.unknownTaggedFields()) unknown.addArray().add(tag.tag()).add(tag.data());
            for (Map.Entry<String, JsonNode> field : fields.properties()) {
                if (field.getKey().equals("records")) field.setValue(filled.get("records"));
                else completeNested(field, filled, read);
            }
            if (!unknown.isEmpty()) fields.set("unknownTaggedFields", unknown);
        }

        void completeNested(Map.Entry<String, JsonNode> field, ObjectNode filled, Message read) throws Exception {
            JsonNode before = filled == null ? null : filled.get(field.getKey());
            if (field.getValue() instanceof ObjectNode structure) {
                complete(structure, (ObjectNode) before, (Message) read.getClass().getMethod(field.getKey()).invoke(read));
            } else if (field.getValue() instanceof ArrayNode array && !array.isEmpty() && array.get(0).isObject()) {
                Iterator<?> elements = ((Collection<?>) read.getClass().getMethod(field.getKey()).invoke(read)).iterator();
                for (int at = 0; at < array.size(); at++)
                    complete((ObjectNode) array.get(at), (ObjectNode) before.get(at), (Message) elements.next());
            }
        }
    }

    /** Puts two tagged fields into a structure and into all within it that {@code filled} names. */
    static void addUnknownTags(Message message, JsonNode filled) throws Exception {
        message.unknownTaggedFields().add(new RawTaggedField(100, new byte[0]));
        message.unknownTaggedFields().add(new RawTaggedField(70_000, "from the future".getBytes(StandardCharsets.UTF_8)));
        for (Map.Entry<String, JsonNode> field : filled.properties()) {
            Object value = message.getClass().getMethod(field.getKey()).invoke(message);
            if (value instanceof Message nested) addUnknownTags(nested, field.getValue());
            if (!(value instanceof Collection<?> elements)) continue;
            Iterator<JsonNode> filledElements = field.getValue().elements();
            for (Object element : elements)
                if (element instanceof Message nested) addUnknownTags(nested, filledElements.next());
        }
    }

    /** Whether a range as schemas have it ("3", "0-12", "4+", "none") contains the version. */
    static boolean covers(JsonNode range, short version) {
        String text = range.asText();
        if (text.equals("none")) return false;
        if (text.endsWith("+")) return version >= Short.parseShort(text.substring(0, text.length() - 1));
        String[] ends = text.split("-");
        return version >= Short.parseShort(ends[0]) && version <= Short.parseShort(ends[ends.length - 1]);
    }

    static ByteBuffer bytes(Message message, short version) {
        ObjectSerializationCache cache = new ObjectSerializationCache();
        MessageSizeAccumulator size = new MessageSizeAccumulator();
        message.addSize(size, cache, version);
        ByteBuffer bytes = ByteBuffer.allocate(size.totalSize());
        message.write(new ByteBufferAccessor(bytes), cache, version);
        return bytes.flip();
    }

    static String base64(ByteBuffer buffer) {
        byte[] bytes = new byte[buffer.remaining()];
        buffer.duplicate().get(bytes);
        return Base64.getEncoder().encodeToString(bytes);
    }
}
