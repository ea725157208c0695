package io.heddle.base;

import tools.jackson.core.JsonParser;
import tools.jackson.core.ObjectReadContext;
import tools.jackson.core.StreamReadConstraints;
import tools.jackson.core.io.IOContext;
import tools.jackson.core.json.JsonFactory;
import tools.jackson.core.json.JsonFactoryBuilder;
import tools.jackson.core.json.UTF8StreamJsonParser;
import tools.jackson.core.sym.ByteQuadsCanonicalizer;

/**
 * Parsers of JSON whose member names somebody else has chosen.
 *
 * <p>A parser keeps the names that it has read in a table, and its factory takes them over for all
 * parsers that follow. Names that are made to collide fill such a table up, and then correct
 * documents of others are refused. So each parser here has a table of its own, that ends with it.
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
    return new Factory(
        JsonFactory.builder()
            .streamReadConstraints(
                StreamReadConstraints.builder().maxNestingDepth(maxNesting).build()));
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
          ByteQuadsCanonicalizer.createRoot().makeChild(_factoryFeatures),
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
}
