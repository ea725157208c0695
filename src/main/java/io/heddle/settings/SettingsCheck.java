package io.heddle.settings;

import io.heddle.answercache.AnswerProperties;
import io.heddle.base.MemoryProperties;
import io.heddle.embedded.EmbeddedProperties;
import io.heddle.limit.LimitProperties;
import io.heddle.limit.QuotaProperties;
import io.heddle.live.LiveProperties;
import io.heddle.nearcache.CoherenceProperties;
import io.heddle.openai.OpenAiProperties;
import io.heddle.redis.RedisProperties;
import io.heddle.security.SecurityProperties;
import io.heddle.session.SessionProperties;
import io.heddle.turn.TurnProperties;
import io.heddle.upstream.EchoProperties;
import io.heddle.upstream.UpstreamProperties;
import io.heddle.web.HostProperties;
import io.heddle.web.HttpProperties;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Locale;
import java.util.Set;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.IntStream;
import org.jspecify.annotations.Nullable;
import org.springframework.boot.EnvironmentPostProcessor;
import org.springframework.boot.SpringApplication;
import org.springframework.boot.context.config.ConfigDataEnvironmentPostProcessor;
import org.springframework.boot.context.properties.source.ConfigurationProperty;
import org.springframework.boot.context.properties.source.ConfigurationPropertyName;
import org.springframework.boot.context.properties.source.ConfigurationPropertyName.Form;
import org.springframework.boot.context.properties.source.ConfigurationPropertySource;
import org.springframework.boot.context.properties.source.IterableConfigurationPropertySource;
import org.springframework.boot.env.OriginTrackedMapPropertySource;
import org.springframework.boot.origin.Origin;
import org.springframework.boot.origin.OriginLookup;
import org.springframework.boot.origin.PropertySourceOrigin;
import org.springframework.boot.origin.TextResourceOrigin;
import org.springframework.core.Ordered;
import org.springframework.core.env.CommandLinePropertySource;
import org.springframework.core.env.ConfigurableEnvironment;
import org.springframework.core.env.EnumerablePropertySource;
import org.springframework.core.env.PropertySource;
import org.springframework.core.env.SystemEnvironmentPropertySource;

/**
 * Refuses a start with a setting of Heddle's that does not exist. Spring ignores such a name, and a
 * replica whose {@code heddle.engin=redis} is ignored keeps its sessions in a file of its own.
 */
public final class SettingsCheck implements EnvironmentPostProcessor, Ordered {

  /** Every record that settings are bound to. */
  static final List<Class<?>> RECORDS =
      List.of(
          UpstreamProperties.class,
          SessionProperties.class,
          CoherenceProperties.class,
          AnswerProperties.class,
          LimitProperties.class,
          QuotaProperties.class,
          LiveProperties.class,
          TurnProperties.class,
          OpenAiProperties.class,
          EchoProperties.class,
          RedisProperties.class,
          EmbeddedProperties.class,
          HttpProperties.class,
          MemoryProperties.class,
          HostProperties.class,
          SecurityProperties.class);

  static final SettingNames NAMES =
      SettingNames.of(RECORDS, List.of("heddle.engine", "heddle.env-file"));

  /** The build's own tests are told what to do by properties of this JVM. */
  private static final Set<String> OF_TESTS = Set.of("test", "it", "k8s");

  /**
   * What Kubernetes puts into the environment of a pod for a service {@code heddle} or {@code
   * heddle-redis}, and what compose and the tests are told by. A misspelt setting that ends with
   * {@code _PORT} is none of these: its value is no address.
   */
  private static final Pattern NO_SETTING =
      Pattern.compile(
          "HEDDLE_(TEST_.*"
              + "|([A-Z0-9_]+_)?SERVICE_(HOST|PORT(_[A-Z0-9_]+)?)"
              + "|([A-Z0-9_]+_)?PORT_[0-9]+_(TCP|UDP|SCTP)(_(PROTO|PORT|ADDR))?)");

  private static final Pattern SERVICE_PORT = Pattern.compile("HEDDLE_([A-Z0-9_]+_)?PORT");
  private static final Pattern SERVICE_ADDRESS = Pattern.compile("(tcp|udp|sctp)://.*");
  private static final String COMPOSE_PORT = "HEDDLE_PORT";

  /** What Spring makes of a YAML file that holds a text or a list. */
  private static final Pattern NO_NAME = Pattern.compile("document(\\[\\d+].*)?");

  /** What of the command line is no option, in Spring's words. */
  private static final String WORDS =
      CommandLinePropertySource.DEFAULT_NON_OPTION_ARGS_PROPERTY_NAME;

  /** A setting that lacks the dashes, among words with a comma between them. */
  private static final Pattern WITHOUT_DASHES =
      Pattern.compile("(?:^|,)(-?D?heddle[._][\\w.\\[\\]-]+)=", Pattern.CASE_INSENSITIVE);

  /** After all that adds settings. */
  @Override
  public int getOrder() {
    return ConfigDataEnvironmentPostProcessor.ORDER + 2;
  }

  @Override
  public void postProcessEnvironment(ConfigurableEnvironment environment, SpringApplication app) {
    refuseWords(environment);
    Set<String> wrong = new LinkedHashSet<>();
    Set<String> instead = new LinkedHashSet<>();
    for (PropertySource<?> source : environment.getPropertySources()) {
      if (source instanceof SystemEnvironmentPropertySource variables) {
        for (String name : variables.getPropertyNames()) {
          if (isWrong(name, variables.getProperty(name))) {
            wrong.add(name + " (" + where(source, name) + ")");
            instead.add(NAMES.nearestVariableTo(name));
          }
        }
        continue;
      }
      if (source instanceof EnumerablePropertySource<?> names) {
        for (String name : names.getPropertyNames()) {
          refuseNameless(source, name);
          if (NAMES.knowsJoined(name) || (SettingNames.isPrefixed(name) && !isOfTests(name))) {
            wrong.add(name + " (" + where(source, name) + ")");
            instead.add(NAMES.nearestTo(SettingNames.dotted(name)));
          }
        }
      }
      if (ConfigurationPropertySource.from(source)
          instanceof IterableConfigurationPropertySource properties) {
        for (ConfigurationPropertyName name : properties) {
          if (isWrong(name)) {
            wrong.add(name + " (" + place(source, properties.getConfigurationProperty(name)) + ")");
            instead.add(NAMES.nearestTo(name.toString()));
          }
        }
      }
    }
    if (!wrong.isEmpty()) {
      throw new BadSettingException(
          (wrong.size() == 1 ? "There is no setting " : "There are no settings ")
              + String.join(", ", wrong)
              + ".",
          "Did you mean "
              + String.join(", ", instead)
              + "? src/docs/configuration.md lists every setting.");
    }
  }

  /** What is no option sets nothing either; its words may be a password, which is not repeated. */
  private static void refuseWords(ConfigurableEnvironment environment) {
    for (PropertySource<?> source : environment.getPropertySources()) {
      if (source instanceof CommandLinePropertySource<?>
          && source.getProperty(WORDS) instanceof String words
          && !words.isBlank()) {
        Matcher setting = WITHOUT_DASHES.matcher(words);
        throw new BadSettingException(
            "The command line has "
                + (setting.find()
                    ? setting.group(1) + " without dashes, which sets nothing."
                    : "a word that sets nothing."),
            "Write each setting as --name=value, such as --heddle.engine=redis.");
      }
    }
  }

  /** {@code heddle.engine=redis} in a YAML file is a text, and sets nothing. */
  private static void refuseNameless(PropertySource<?> source, String name) {
    if (source instanceof OriginTrackedMapPropertySource
        && source.getName().contains(".y")
        && NO_NAME.matcher(name).matches()) {
      throw new BadSettingException(
          "There are no settings in the " + where(source, name) + ", only a text or a list.",
          "Write each setting as name: value.");
    }
  }

  private static boolean isWrong(ConfigurationPropertyName name) {
    if (name.getNumberOfElements() == 0) {
      return false;
    }
    return name.getElement(0, Form.UNIFORM).equals("heddle")
        ? !isKnown(name)
        : NAMES.knowsNearly(elements(name));
  }

  /** In the environment a setting may have the name that it has in a file, too. */
  private static boolean isWrong(String variable, @Nullable Object value) {
    if (variable.contains(".")) {
      return isWrong(ConfigurationPropertyName.adapt(variable, '.'));
    }
    return SettingNames.isPrefixed(variable)
        ? !isKnown(variable, value)
        : NAMES.knowsVariableNearly(variable) || NAMES.knowsJoined(variable);
  }

  private static boolean isOfTests(String name) {
    String[] words = SettingNames.dotted(name).split("\\.");
    return words.length > 1 && OF_TESTS.contains(words[1].toLowerCase(Locale.ROOT));
  }

  private static boolean isKnown(String variable, @Nullable Object value) {
    String name = variable.toUpperCase(Locale.ROOT);
    return NAMES.knowsVariable(name)
        || NO_SETTING.matcher(name).matches()
        || name.equals(COMPOSE_PORT)
        || (SERVICE_PORT.matcher(name).matches()
            && SERVICE_ADDRESS.matcher(String.valueOf(value)).matches());
  }

  private static boolean isKnown(ConfigurationPropertyName name) {
    List<String> elements = elements(name);
    return NAMES.knows(elements) || (elements.size() > 1 && OF_TESTS.contains(elements.get(1)));
  }

  private static List<String> elements(ConfigurationPropertyName name) {
    return IntStream.range(0, name.getNumberOfElements())
        .mapToObj(i -> name.getElement(i, Form.UNIFORM))
        .toList();
  }

  private static String where(PropertySource<?> source, String name) {
    Origin origin = source instanceof OriginLookup<?> lookup ? origin(lookup, name) : null;
    return place(source, origin);
  }

  @SuppressWarnings("unchecked")
  private static @Nullable Origin origin(OriginLookup<?> lookup, String name) {
    return ((OriginLookup<String>) lookup).getOrigin(name);
  }

  private static String place(PropertySource<?> source, @Nullable ConfigurationProperty property) {
    return place(source, property == null ? null : property.getOrigin());
  }

  private static String place(PropertySource<?> source, @Nullable Origin of) {
    Origin origin = of;
    if (origin instanceof PropertySourceOrigin wrapped) {
      origin = wrapped.getOrigin();
    }
    if (origin instanceof TextResourceOrigin text && text.getResource() != null) {
      TextResourceOrigin.Location location = text.getLocation();
      String line = location == null ? "" : ", line " + (location.getLine() + 1);
      return text.getResource().getDescription() + line;
    }
    return switch (source.getName()) {
      case "commandLineArgs" -> "on the command line";
      case "systemProperties" -> "a property of the JVM";
      case "systemEnvironment" -> "in the environment";
      case EnvFile.SOURCE -> "in the file .env";
      default -> source.getName();
    };
  }
}
