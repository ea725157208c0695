package io.heddle.json;

import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;
import tools.jackson.core.JacksonException;
import tools.jackson.core.JsonParser;
import tools.jackson.core.ObjectReadContext;
import tools.jackson.core.StreamReadConstraints;
import tools.jackson.core.TokenStreamFactory;
import tools.jackson.core.io.IOContext;
import tools.jackson.core.json.JsonFactory;
import tools.jackson.core.json.JsonFactoryBuilder;
import tools.jackson.core.json.JsonReadFeature;
import tools.jackson.core.json.UTF8StreamJsonParser;
import tools.jackson.core.sym.ByteQuadsCanonicalizer;
import tools.jackson.core.util.JsonRecyclerPools;

/**
 * Parsers of JSON whose member names somebody else has chosen.
 *
 * <p>A parser keeps the names that it has read in a table, and its factory takes them over for all
 * parsers that follow. Names that are made to collide fill such a table up, and then correct
 * documents of others are refused. Here the table has the names that are usual and takes over none:
 * one for each parser alone would take five kilobytes a document.
 *
 * <p>Bytes are UTF-8 and nothing else: JSON between systems is (RFC 8259, 8.1), and a parser that
 * looks for other encodings finds them where there are none.
 */
public final class JsonParsers {

  /** How deep a document may be that was checked when it came in. */
  private static final int CHECKED_NESTING = 500;

  private static final JsonFactory CHECKED = factory(CHECKED_NESTING);

  private JsonParsers() {}

  /** For documents that nobody has looked at. */
  public static JsonFactory factory(int maxNesting) {
    return new Factory(builder(maxNesting));
  }

  /**
   * The same for documents of programs that write JSON without care: numbers that are none, and
   * control characters that are not escaped.
   */
  public static JsonFactory carelessFactory(int maxNesting) {
    return new Factory(
        builder(maxNesting)
            .enable(JsonReadFeature.ALLOW_NON_NUMERIC_NUMBERS)
            .enable(JsonReadFeature.ALLOW_UNESCAPED_CONTROL_CHARS));
  }

  private static JsonFactoryBuilder builder(int maxNesting) {
    return JsonFactory.builder()
        // The threads that parse are few, and a queue that all share costs each document.
        .recyclerPool(JsonRecyclerPools.threadLocalPool())
        .streamReadConstraints(StreamReadConstraints.builder().maxNestingDepth(maxNesting).build());
  }

  /** For documents that were checked when they came in. */
  public static JsonFactory factory() {
    return CHECKED;
  }

  /** Reads a document that was checked when it came in. */
  public static JsonParser parser(byte[] utf8) {
    return parser(utf8, 0, utf8.length);
  }

  /** Whether a text of somebody else's is one JSON value. */
  public static boolean isJson(Json text) {
    try (JsonParser in = parser(text.utf8())) {
      if (in.nextToken() == null) {
        return false;
      }
      in.skipChildren();
      return in.nextToken() == null;
    } catch (JacksonException _) {
      return false;
    }
  }

  public static JsonParser parser(byte[] utf8, int from, int length) {
    return CHECKED.createParser(ObjectReadContext.empty(), utf8, from, length);
  }

  private static final class Factory extends JsonFactory {
    private static final long serialVersionUID = 1L;

    Factory(JsonFactoryBuilder builder) {
      super(builder);
    }

    @Override
    protected JsonParser _createParser(
        ObjectReadContext read, IOContext context, byte[] data, int offset, int length) {
      _checkRangeBoundsForByteArray(data, offset, length);
      _streamReadConstraints.validateDocumentLength(length);
      int skipped = mark(data, offset, length);
      return new UTF8StreamJsonParser(
          read,
          context,
          read.getStreamReadFeatures(_streamReadFeatures),
          read.getFormatReadFeatures(_formatReadFeatures),
          null,
          UsualNames.INSTANCE,
          data,
          offset + skipped,
          offset + length,
          skipped,
          false);
    }

    /** Bytes of the mark that some editors write at the beginning (RFC 8259, 8.1). */
    private static int mark(byte[] data, int at, int length) {
      boolean marked =
          length >= 3
              && data[at] == (byte) 0xef
              && data[at + 1] == (byte) 0xbb
              && data[at + 2] == (byte) 0xbf;
      return marked ? 3 : 0;
    }
  }

  /** Knows the usual names and keeps no other, so all parsers share it. */
  private static final class UsualNames extends ByteQuadsCanonicalizer {

    /** Of requests, and of the chunks that model servers send. */
    private static final List<String> NAMES =
        List.of(
            "model",
            "messages",
            "role",
            "content",
            "name",
            "type",
            "text",
            "stream",
            "input",
            "stream_options",
            "include_usage",
            "temperature",
            "top_p",
            "max_tokens",
            "tools",
            "max_completion_tokens",
            "max_output_tokens",
            "tool_choice",
            "function",
            "parameters",
            "arguments",
            "description",
            "properties",
            "required",
            "user",
            "metadata",
            "store",
            "instructions",
            "id",
            "object",
            "created",
            "system_fingerprint",
            "service_tier",
            "choices",
            "index",
            "delta",
            "message",
            "logprobs",
            "finish_reason",
            "refusal",
            "reasoning",
            "reasoning_content",
            "tool_calls",
            "tool_call_id",
            "usage",
            "error",
            "prompt_tokens",
            "completion_tokens",
            "total_tokens",
            "prompt_tokens_details",
            "completion_tokens_details",
            "cached_tokens",
            "reasoning_tokens",
            "parent",
            "status");

    static final UsualNames INSTANCE = new UsualNames(Learner.table(NAMES));

    private static final int SMALLEST = 16;

    private final ByteQuadsCanonicalizer names;

    private UsualNames(ByteQuadsCanonicalizer names) {
      super(SMALLEST, 0);
      this.names = names;
    }

    @Override
    public @Nullable String findName(int quad) {
      return names.findName(quad);
    }

    @Override
    public @Nullable String findName(int first, int second) {
      return names.findName(first, second);
    }

    @Override
    public @Nullable String findName(int first, int second, int third) {
      return names.findName(first, second, third);
    }

    @Override
    public @Nullable String findName(int[] quads, int length) {
      return names.findName(quads, length);
    }

    @Override
    public String addName(String name, int quad) {
      return name;
    }

    @Override
    public String addName(String name, int first, int second) {
      return name;
    }

    @Override
    public String addName(String name, int first, int second, int third) {
      return name;
    }

    @Override
    public String addName(String name, int[] quads, int length) {
      return name;
    }

    @Override
    public void release() {
      // Nothing was taken over.
    }
  }

  /** Has Jackson itself fill a table with names of ours; nothing else is read with it. */
  private static final class Learner extends JsonFactory {
    private static final long serialVersionUID = 1L;

    static ByteQuadsCanonicalizer table(List<String> names) {
      Learner learner = new Learner();
      String document = names.stream().collect(Collectors.joining("\":0,\"", "{\"", "\":0}"));
      byte[] utf8 = document.getBytes(StandardCharsets.UTF_8);
      try (JsonParser in = learner.createParser(ObjectReadContext.empty(), utf8)) {
        while (in.nextToken() != null) {
          // Its names go into the table.
        }
      }
      return learner._byteSymbolCanonicalizer.makeChild(
          TokenStreamFactory.Feature.CANONICALIZE_PROPERTY_NAMES.getMask());
    }
  }
}
