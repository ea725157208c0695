package io.heddle.deploy;

import com.fasterxml.jackson.core.StreamReadFeature;
import com.fasterxml.jackson.core.type.TypeReference;
import com.fasterxml.jackson.databind.DeserializationFeature;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.MappingIterator;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.introspect.Annotated;
import com.fasterxml.jackson.databind.introspect.JacksonAnnotationIntrospector;
import com.fasterxml.jackson.dataformat.yaml.YAMLFactory;
import com.fasterxml.jackson.dataformat.yaml.YAMLMapper;
import io.fabric8.kubernetes.api.model.ConfigMap;
import io.fabric8.kubernetes.api.model.HasMetadata;
import io.fabric8.kubernetes.api.model.Namespace;
import io.fabric8.kubernetes.api.model.Secret;
import io.fabric8.kubernetes.api.model.Service;
import io.fabric8.kubernetes.api.model.ServiceAccount;
import io.fabric8.kubernetes.api.model.apps.Deployment;
import io.fabric8.kubernetes.api.model.apps.StatefulSet;
import io.fabric8.kubernetes.api.model.autoscaling.v2.HorizontalPodAutoscaler;
import io.fabric8.kubernetes.api.model.networking.v1.Ingress;
import io.fabric8.kubernetes.api.model.networking.v1.NetworkPolicy;
import io.fabric8.kubernetes.api.model.policy.v1.PodDisruptionBudget;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.stream.Stream;

/**
 * Reads files of Kubernetes objects as a strict API server does: a field that it does not know, or
 * one that is there twice, is an error. By themselves the models keep unknown fields silently.
 */
final class Manifests {

  private static final ObjectMapper YAML =
      YAMLMapper.builder(
              YAMLFactory.builder().enable(StreamReadFeature.STRICT_DUPLICATE_DETECTION).build())
          .enable(DeserializationFeature.FAIL_ON_UNKNOWN_PROPERTIES)
          .enable(DeserializationFeature.FAIL_ON_READING_DUP_TREE_KEY)
          .annotationIntrospector(
              new JacksonAnnotationIntrospector() {
                @Override
                public Boolean hasAnySetter(Annotated method) {
                  return false;
                }
              })
          .build();

  private static final Map<String, Class<? extends HasMetadata>> KINDS =
      Map.ofEntries(
          Map.entry("v1/ConfigMap", ConfigMap.class),
          Map.entry("v1/Namespace", Namespace.class),
          Map.entry("v1/Secret", Secret.class),
          Map.entry("v1/Service", Service.class),
          Map.entry("v1/ServiceAccount", ServiceAccount.class),
          Map.entry("apps/v1/Deployment", Deployment.class),
          Map.entry("apps/v1/StatefulSet", StatefulSet.class),
          Map.entry("autoscaling/v2/HorizontalPodAutoscaler", HorizontalPodAutoscaler.class),
          Map.entry("networking.k8s.io/v1/Ingress", Ingress.class),
          Map.entry("networking.k8s.io/v1/NetworkPolicy", NetworkPolicy.class),
          Map.entry("policy/v1/PodDisruptionBudget", PodDisruptionBudget.class));

  private static final Set<String> KUSTOMIZATION =
      Set.of("apiVersion", "kind", "namespace", "bases", "resources", "images");

  private Manifests() {}

  /** All objects of a file. */
  static List<HasMetadata> read(Path file) throws IOException {
    return parse(Files.readString(file));
  }

  static List<HasMetadata> parse(String text) throws IOException {
    List<HasMetadata> objects = new ArrayList<>();
    try (MappingIterator<JsonNode> documents = YAML.readerFor(JsonNode.class).readValues(text)) {
      while (documents.hasNext()) {
        JsonNode document = documents.next();
        String kind = document.path("apiVersion").asText() + "/" + document.path("kind").asText();
        Class<? extends HasMetadata> type = KINDS.get(kind);
        if (type == null) {
          throw new IOException("an object of a kind that is not looked at: " + kind);
        }
        objects.add(YAML.treeToValue(document, type));
      }
    }
    return objects;
  }

  /** The objects of a kustomization, without what it changes in them. */
  static List<HasMetadata> collect(Path folder) throws IOException {
    List<HasMetadata> objects = new ArrayList<>();
    for (Path resource : resources(folder)) {
      objects.addAll(Files.isDirectory(resource) ? collect(resource) : read(resource));
    }
    return objects;
  }

  /** The files and folders that a kustomization names. */
  static List<Path> resources(Path folder) throws IOException {
    Map<String, Object> kustomization =
        YAML.readValue(
            Files.readString(folder.resolve("kustomization.yaml")), new TypeReference<>() {});
    if (!KUSTOMIZATION.containsAll(kustomization.keySet())) {
      throw new IOException("a kustomization with a field that is not looked at: " + kustomization);
    }
    return Stream.of("bases", "resources")
        .flatMap(field -> ((List<?>) kustomization.getOrDefault(field, List.of())).stream())
        .map(name -> folder.resolve((String) name).normalize())
        .toList();
  }
}
