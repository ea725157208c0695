package io.heddle.base;

import org.jspecify.annotations.Nullable;
import tools.jackson.core.JsonParser;
import tools.jackson.core.ObjectReadContext;
import tools.jackson.core.StreamReadConstraints;
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
 * documents of others are refused. Here is no table: one for each parser alone would take five
 * kilobytes a document, and names are short and few.
 *
 * <p>Bytes are UTF-8 and nothing else: JSON between systems is (RFC 8259, 8.1), and a parser that
 * looks for other encodings finds them where there are none.
 */
public final class UntrustedJson {

  /** How deep a document may be that was checked when it came in. */
  private static final int CHECKED_NESTING = 500;

  private static final JsonFactory CHECKED = factory(CHECKED_NESTING);

  private UntrustedJson() {}

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
          NoTable.INSTANCE,
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

  /** Knows no name and keeps none, so all parsers share it. */
  private static final class NoTable extends ByteQuadsCanonicalizer {

    static final NoTable INSTANCE = new NoTable();

    private static final int SMALLEST = 16;

    private NoTable() {
      super(SMALLEST, 0);
    }

    @Override
    public @Nullable String findName(int quad) {
      return null;
    }

    @Override
    public @Nullable String findName(int first, int second) {
      return null;
    }

    @Override
    public @Nullable String findName(int first, int second, int third) {
      return null;
    }

    @Override
    public @Nullable String findName(int[] quads, int length) {
      return null;
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
}
