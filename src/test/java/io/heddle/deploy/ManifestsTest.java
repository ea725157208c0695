package io.heddle.deploy;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatCode;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.fabric8.kubernetes.api.model.ConfigMap;
import io.fabric8.kubernetes.api.model.Container;
import io.fabric8.kubernetes.api.model.ContainerPort;
import io.fabric8.kubernetes.api.model.EnvFromSource;
import io.fabric8.kubernetes.api.model.EnvVar;
import io.fabric8.kubernetes.api.model.EnvVarSource;
import io.fabric8.kubernetes.api.model.HasMetadata;
import io.fabric8.kubernetes.api.model.IntOrString;
import io.fabric8.kubernetes.api.model.LabelSelector;
import io.fabric8.kubernetes.api.model.ObjectMeta;
import io.fabric8.kubernetes.api.model.PodSpec;
import io.fabric8.kubernetes.api.model.PodTemplateSpec;
import io.fabric8.kubernetes.api.model.Probe;
import io.fabric8.kubernetes.api.model.Secret;
import io.fabric8.kubernetes.api.model.SecretKeySelector;
import io.fabric8.kubernetes.api.model.Service;
import io.fabric8.kubernetes.api.model.ServiceAccount;
import io.fabric8.kubernetes.api.model.ServicePort;
import io.fabric8.kubernetes.api.model.TopologySpreadConstraint;
import io.fabric8.kubernetes.api.model.Volume;
import io.fabric8.kubernetes.api.model.VolumeMount;
import io.fabric8.kubernetes.api.model.apps.Deployment;
import io.fabric8.kubernetes.api.model.apps.StatefulSet;
import io.fabric8.kubernetes.api.model.autoscaling.v2.HorizontalPodAutoscaler;
import io.fabric8.kubernetes.api.model.networking.v1.Ingress;
import io.fabric8.kubernetes.api.model.networking.v1.NetworkPolicy;
import io.fabric8.kubernetes.api.model.policy.v1.PodDisruptionBudget;
import io.heddle.live.LiveProperties;
import io.heddle.session.SessionProperties;
import io.heddle.settings.SettingsCheck;
import io.heddle.turn.TurnProperties;
import java.io.IOException;
import java.net.URI;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;
import org.springframework.boot.SpringApplication;
import org.springframework.boot.context.properties.bind.Bindable;
import org.springframework.boot.context.properties.bind.Binder;
import org.springframework.boot.context.properties.source.ConfigurationPropertySources;
import org.springframework.boot.env.YamlPropertySourceLoader;
import org.springframework.core.env.EnumerablePropertySource;
import org.springframework.core.env.PropertySource;
import org.springframework.core.env.StandardEnvironment;
import org.springframework.core.env.SystemEnvironmentPropertySource;
import org.springframework.core.io.ClassPathResource;
import org.springframework.util.unit.DataSize;

/**
 * The manifests agree with each other and with the settings: each overlay as it is written, and
 * also as kustomize rendered it when {@code heddle.k8s.rendered} names the folder, as {@code
 * .ci/manifests} does.
 */
class ManifestsTest {

  private static final Path ROOT = Path.of("k8s");
  private static final List<String> OVERLAYS = List.of("production", "try");
  private static final String RENDERED = System.getProperty("heddle.k8s.rendered", "");

  private final StandardEnvironment settings = new StandardEnvironment();
  private final Binder application;
  private final List<String> names = new ArrayList<>();

  ManifestsTest() throws IOException {
    for (PropertySource<?> file :
        new YamlPropertySourceLoader()
            .load("application", new ClassPathResource("application.yml"))) {
      settings.getPropertySources().addLast(file);
      names.addAll(List.of(((EnumerablePropertySource<?>) file).getPropertyNames()));
    }
    ConfigurationPropertySources.attach(settings);
    application = Binder.get(settings);
  }

  /** One deployment, whole. */
  record Deployed(String name, String overlay, List<HasMetadata> objects) {

    <T> List<T> all(Class<T> kind) {
      return objects.stream().filter(kind::isInstance).map(kind::cast).toList();
    }

    <T extends HasMetadata> T the(Class<T> kind, String name) {
      List<T> found =
          all(kind).stream().filter(one -> one.getMetadata().getName().equals(name)).toList();
      assertThat(found).as("%s %s", kind.getSimpleName(), name).hasSize(1);
      return found.getFirst();
    }

    List<PodTemplateSpec> pods() {
      return Stream.concat(
              all(Deployment.class).stream().map(one -> one.getSpec().getTemplate()),
              all(StatefulSet.class).stream().map(one -> one.getSpec().getTemplate()))
          .toList();
    }

    /** The pods that labels choose: at least one. */
    List<PodTemplateSpec> chosen(Map<String, String> labels) {
      assertThat(labels).isNotEmpty();
      List<PodTemplateSpec> chosen =
          pods().stream()
              .filter(
                  pod -> pod.getMetadata().getLabels().entrySet().containsAll(labels.entrySet()))
              .toList();
      assertThat(chosen).as("pods with %s", labels).isNotEmpty();
      return chosen;
    }

    Container heddle() {
      List<Container> containers =
          the(Deployment.class, "heddle").getSpec().getTemplate().getSpec().getContainers();
      assertThat(containers).hasSize(1);
      return containers.getFirst();
    }

    @Override
    public String toString() {
      return name;
    }
  }

  static List<Deployed> deployments() throws IOException {
    List<Deployed> all = new ArrayList<>();
    for (String overlay : OVERLAYS) {
      all.add(
          new Deployed(
              overlay, overlay, Manifests.collect(ROOT.resolve("overlays").resolve(overlay))));
      if (!RENDERED.isEmpty()) {
        Path file = Path.of(RENDERED, overlay + ".yaml");
        all.add(new Deployed(overlay + ", rendered", overlay, Manifests.read(file)));
      }
    }
    return all;
  }

  @Test
  void everyFileIsNamedByAKustomizationAndThere() throws IOException {
    List<Path> files;
    try (Stream<Path> found = Files.walk(ROOT)) {
      files = found.filter(Files::isRegularFile).sorted().toList();
    }
    List<Path> named = new ArrayList<>();
    for (Path file : files) {
      assertThat(file.toString()).endsWith(".yaml");
      if (file.endsWith("kustomization.yaml")) {
        named.add(file);
        for (Path resource : Manifests.resources(file.getParent())) {
          assertThat(resource).exists();
          if (Files.isRegularFile(resource)) {
            named.add(resource);
          }
        }
      }
    }
    assertThat(named).containsExactlyInAnyOrderElementsOf(files);
    try (Stream<Path> overlays = Files.list(ROOT.resolve("overlays"))) {
      assertThat(overlays.map(path -> path.getFileName().toString()))
          .containsExactlyInAnyOrderElementsOf(OVERLAYS);
    }
  }

  @Test
  void aFieldThatKubernetesDoesNotKnowIsRefused() throws IOException {
    String text = Files.readString(ROOT.resolve("base/deployment.yaml"));
    for (String known :
        List.of(
            "revisionHistoryLimit: 5",
            "maxSurge: 1",
            "seconds: 5",
            "drop: [ALL]",
            "sizeLimit: 64Mi")) {
      assertThat(text).contains(known);
      assertThatThrownBy(() -> Manifests.parse(text.replace(known, "x" + known)))
          .as(known)
          .hasMessageContaining("x" + known.substring(0, known.indexOf(':')));
    }
    assertThatThrownBy(() -> Manifests.parse(text + "\nkind: Deployment\n"))
        .hasMessageContaining("Duplicate");
  }

  @ParameterizedTest
  @MethodSource("deployments")
  void namesAreGoodAndThereOnce(Deployed deployed) {
    List<String> all = new ArrayList<>();
    for (HasMetadata object : deployed.objects()) {
      ObjectMeta meta = object.getMetadata();
      assertThat(meta.getName()).matches("[a-z0-9]([-a-z0-9]*[a-z0-9])?").hasSizeLessThan(64);
      all.add(object.getKind() + " " + meta.getName());
    }
    assertThat(all).doesNotHaveDuplicates().contains("Deployment heddle", "Service heddle");
  }

  @ParameterizedTest
  @MethodSource("deployments")
  void everySelectorChoosesItsPods(Deployed deployed) {
    for (Deployment one : deployed.all(Deployment.class)) {
      ownPods(deployed, one.getSpec().getSelector(), one.getSpec().getTemplate());
    }
    for (StatefulSet one : deployed.all(StatefulSet.class)) {
      ownPods(deployed, one.getSpec().getSelector(), one.getSpec().getTemplate());
      deployed.the(Service.class, one.getSpec().getServiceName());
    }
    for (PodDisruptionBudget one : deployed.all(PodDisruptionBudget.class)) {
      assertThat(deployed.chosen(labels(one.getSpec().getSelector()))).hasSize(1);
    }
    for (PodTemplateSpec pod : deployed.pods()) {
      for (TopologySpreadConstraint one : pod.getSpec().getTopologySpreadConstraints()) {
        assertThat(deployed.chosen(labels(one.getLabelSelector()))).containsExactly(pod);
      }
    }
    for (HorizontalPodAutoscaler one : deployed.all(HorizontalPodAutoscaler.class)) {
      var target = one.getSpec().getScaleTargetRef();
      Deployment scaled = deployed.the(Deployment.class, target.getName());
      assertThat(target.getKind()).isEqualTo(scaled.getKind());
      assertThat(target.getApiVersion()).isEqualTo(scaled.getApiVersion());
      // Each apply would else set a deployment that was scaled up back to this number.
      assertThat(scaled.getSpec().getReplicas()).isNull();
      assertThat(one.getSpec().getMinReplicas()).isGreaterThanOrEqualTo(3);
      assertThat(one.getSpec().getMaxReplicas()).isGreaterThan(one.getSpec().getMinReplicas());
    }
  }

  @ParameterizedTest
  @MethodSource("deployments")
  void everyPortIsOneThatPodsOpen(Deployed deployed) {
    for (Service service : deployed.all(Service.class)) {
      for (PodTemplateSpec pod : deployed.chosen(service.getSpec().getSelector())) {
        for (ServicePort port : service.getSpec().getPorts()) {
          opens(pod.getSpec(), port.getTargetPort());
        }
      }
    }
    for (NetworkPolicy policy : deployed.all(NetworkPolicy.class)) {
      for (PodTemplateSpec pod : deployed.chosen(labels(policy.getSpec().getPodSelector()))) {
        for (var rule : policy.getSpec().getIngress()) {
          assertThat(rule.getFrom()).as("who may come").isNotEmpty();
          assertThat(rule.getPorts()).isNotEmpty();
          rule.getPorts().forEach(port -> opens(pod.getSpec(), port.getPort()));
        }
      }
    }
    for (PodTemplateSpec pod : deployed.pods()) {
      for (Container container : pod.getSpec().getContainers()) {
        for (Probe probe : probes(container)) {
          if (probe.getHttpGet() != null) {
            opens(pod.getSpec(), probe.getHttpGet().getPort());
          } else if (probe.getTcpSocket() != null) {
            opens(pod.getSpec(), probe.getTcpSocket().getPort());
          } else {
            assertThat(probe.getExec().getCommand()).isNotEmpty();
          }
        }
      }
    }
    for (Ingress ingress : deployed.all(Ingress.class)) {
      List<String> hosts = new ArrayList<>();
      for (var rule : ingress.getSpec().getRules()) {
        hosts.add(rule.getHost());
        for (var path : rule.getHttp().getPaths()) {
          var backend = path.getBackend().getService();
          assertThat(deployed.the(Service.class, backend.getName()).getSpec().getPorts())
              .extracting(ServicePort::getName)
              .contains(backend.getPort().getName());
        }
      }
      assertThat(ingress.getSpec().getTls())
          .flatExtracting(tls -> tls.getHosts())
          .containsExactlyElementsOf(hosts);
    }
  }

  @ParameterizedTest
  @MethodSource("deployments")
  void everythingThatPodsAskForIsThere(Deployed deployed) throws IOException {
    for (PodTemplateSpec pod : deployed.pods()) {
      PodSpec spec = pod.getSpec();
      if (spec.getServiceAccountName() != null) {
        deployed.the(ServiceAccount.class, spec.getServiceAccountName());
      }
      for (Container container : spec.getContainers()) {
        for (EnvFromSource from : container.getEnvFrom()) {
          if (from.getSecretRef() == null) {
            deployed.the(ConfigMap.class, from.getConfigMapRef().getName());
          } else {
            // Nobody must have a model server.
            assertThat(from.getSecretRef().getOptional()).isTrue();
            assertThat(ROOT.resolve("base/config.yaml"))
                .content()
                .contains("create secret generic " + from.getSecretRef().getName());
          }
        }
        for (EnvVar variable : container.getEnv()) {
          EnvVarSource from = variable.getValueFrom();
          if (from != null && from.getSecretKeyRef() != null) {
            secret(deployed, from.getSecretKeyRef());
          } else if (from != null && from.getConfigMapKeyRef() != null) {
            assertThat(from.getConfigMapKeyRef().getOptional()).isTrue();
          }
        }
      }
    }
    Container heddle = deployed.heddle();
    assertThat(heddle.getVolumeMounts())
        .extracting(VolumeMount::getName)
        .containsExactlyElementsOf(
            deployed
                .the(Deployment.class, "heddle")
                .getSpec()
                .getTemplate()
                .getSpec()
                .getVolumes()
                .stream()
                .map(Volume::getName)
                .toList());
    assertThat(heddle.getVolumeMounts()).extracting(VolumeMount::getMountPath).contains("/tmp");
  }

  @ParameterizedTest
  @MethodSource("deployments")
  void replicasAreProbedAsTheApplicationSays(Deployed deployed) {
    Container heddle = deployed.heddle();
    assertThat(heddle.getPorts())
        .extracting(ContainerPort::getContainerPort)
        .containsExactly(value("server.port", Integer.class), managementPort(deployed));
    assertThat(value("management.endpoint.health.probes.enabled", Boolean.class)).isTrue();
    assertThat(probes(heddle)).hasSize(3);
    for (Probe probe : probes(heddle)) {
      assertThat(probe.getHttpGet().getPort().getStrVal()).isEqualTo("management");
      String path = probe.getHttpGet().getPath();
      assertThat(path).startsWith("/actuator/health/");
      String group = path.substring(path.lastIndexOf('/') + 1);
      assertThat(value("management.endpoint.health.group." + group + ".include", String.class))
          .contains(group + "State");
    }
    assertThat(heddle.getReadinessProbe().getHttpGet().getPath()).endsWith("/readiness");
    assertThat(heddle.getLivenessProbe().getHttpGet().getPath()).endsWith("/liveness");
    assertThat(heddle.getStartupProbe().getHttpGet().getPath()).endsWith("/liveness");
    Map<String, String> scraped =
        deployed
            .the(Deployment.class, "heddle")
            .getSpec()
            .getTemplate()
            .getMetadata()
            .getAnnotations();
    assertThat(scraped.get("prometheus.io/port"))
        .isEqualTo(String.valueOf(managementPort(deployed)));
    assertThat(value("management.endpoints.web.exposure.include", String[].class))
        .contains(scraped.get("prometheus.io/path").replace("/actuator/", ""));
  }

  @ParameterizedTest
  @MethodSource("deployments")
  void theConfigurationNamesSettingsThatThereAre(Deployed deployed) {
    Map<String, String> variables = new TreeMap<>();
    for (String name : names) {
      String plain = name.replaceAll("\\[\\d+]", "");
      variables.put(plain.replace("-", "").replace('.', '_').toUpperCase(Locale.ROOT), plain);
    }
    Map<String, String> data = deployed.the(ConfigMap.class, "heddle").getData();
    assertThat(variables.keySet())
        .containsAll(
            data.keySet().stream()
                .filter(name -> !name.startsWith("MANAGEMENT_SERVER_"))
                .filter(name -> !name.startsWith("HEDDLE_"))
                .toList());
    StandardEnvironment environment = new StandardEnvironment();
    environment
        .getPropertySources()
        .addFirst(
            new SystemEnvironmentPropertySource("test-systemEnvironment", new TreeMap<>(data)));
    assertThatCode(
            () -> new SettingsCheck().postProcessEnvironment(environment, new SpringApplication()))
        .doesNotThrowAnyException();
    assertThat(data).containsEntry("HEDDLE_ENGINE", "redis");
    assertThat(data).containsEntry("SERVER_ADDRESS", "0.0.0.0");
    assertThat(data).containsEntry("HEDDLE_SECURITY_MODE", "open");
    // The kubelet and Prometheus come from elsewhere.
    assertThat(data).containsEntry("MANAGEMENT_SERVER_ADDRESS", "0.0.0.0");
    assertThat(deployed.all(NetworkPolicy.class))
        .as("who may reach an address that everybody could")
        .anyMatch(policy ->
            labels(policy.getSpec().getPodSelector())
                .equals(deployed.the(Service.class, "heddle").getSpec().getSelector()));
  }

  /** A name that is left out gets 421, and a variable that Kubernetes adds looks like a setting. */
  @ParameterizedTest
  @MethodSource("deployments")
  void theServiceIsServedUnderAllOfItsNames(Deployed deployed) {
    Map<String, String> given = new TreeMap<>();
    for (EnvVar variable : deployed.heddle().getEnv()) {
      if (variable.getName().startsWith("HEDDLE_HOSTS_")) {
        given.put(
            variable.getName(),
            variable.getValue() == null
                ? variable.getValueFrom().getConfigMapKeyRef().getName()
                : variable.getValue());
      }
    }
    String service = deployed.the(Service.class, "heddle").getMetadata().getName();
    assertThat(given)
        .containsExactly(
            Map.entry("HEDDLE_HOSTS_0", service),
            Map.entry("HEDDLE_HOSTS_1", service + ".$(POD_NAMESPACE)"),
            Map.entry("HEDDLE_HOSTS_2", service + ".$(POD_NAMESPACE).svc"),
            Map.entry("HEDDLE_HOSTS_3", service + ".$(POD_NAMESPACE).svc.cluster.local"),
            Map.entry("HEDDLE_HOSTS_4", "heddle-ingress"));
    for (Ingress ingress : deployed.all(Ingress.class)) {
      assertThat(ingress.getSpec().getRules())
          .extracting(rule -> rule.getHost())
          .containsExactly(deployed.the(ConfigMap.class, "heddle-ingress").getData().get("host"));
    }
    assertThat(
            deployed
                .the(Deployment.class, "heddle")
                .getSpec()
                .getTemplate()
                .getSpec()
                .getEnableServiceLinks())
        .isFalse();
  }

  /** The way out: first nobody comes any more, then sockets, then requests, then the kill. */
  @ParameterizedTest
  @MethodSource("deployments")
  void thereIsTimeToLeave(Deployed deployed) {
    Deployment deployment = deployed.the(Deployment.class, "heddle");
    Duration quiet =
        Duration.ofSeconds(deployed.heddle().getLifecycle().getPreStop().getSleep().getSeconds());
    Probe readiness = deployed.heddle().getReadinessProbe();
    assertThat(quiet.toSeconds())
        .isGreaterThan((long) readiness.getPeriodSeconds() * readiness.getFailureThreshold());
    // Sockets and turns have their time at once.
    Duration drain =
        Collections.max(
            List.of(
                bound("heddle.live", LiveProperties.class).drain(),
                bound("heddle.turns", TurnProperties.class).drain()));
    Duration most = value("spring.lifecycle.timeout-per-shutdown-phase", Duration.class);
    Long grace = deployment.getSpec().getTemplate().getSpec().getTerminationGracePeriodSeconds();
    assertThat(Duration.ofSeconds(grace)).isGreaterThan(quiet.plus(drain).plus(most));

    var rolling = deployment.getSpec().getStrategy().getRollingUpdate();
    assertThat(rolling.getMaxUnavailable()).isEqualTo(new IntOrString(0));
    assertThat(rolling.getMaxSurge()).isEqualTo(new IntOrString(1));
  }

  @ParameterizedTest
  @MethodSource("deployments")
  void noPodMayMoreThanItMust(Deployed deployed) {
    for (PodTemplateSpec pod : deployed.pods()) {
      PodSpec spec = pod.getSpec();
      assertThat(spec.getAutomountServiceAccountToken()).isFalse();
      assertThat(spec.getSecurityContext().getRunAsNonRoot()).isTrue();
      assertThat(spec.getSecurityContext().getSeccompProfile().getType())
          .isEqualTo("RuntimeDefault");
      for (Container container : spec.getContainers()) {
        assertThat(container.getSecurityContext().getReadOnlyRootFilesystem()).isTrue();
        assertThat(container.getSecurityContext().getAllowPrivilegeEscalation()).isFalse();
        assertThat(container.getSecurityContext().getCapabilities().getDrop())
            .containsExactly("ALL");
        assertThat(container.getResources().getRequests()).containsKeys("cpu", "memory");
        assertThat(container.getResources().getLimits()).containsKeys("memory");
      }
    }
  }

  @ParameterizedTest
  @MethodSource("deployments")
  void redisKeepsWhatItIsToldAndTheIngressHoldsSockets(Deployed deployed) {
    if (deployed.overlay().equals("try")) {
      String url = deployed.the(Secret.class, "heddle-redis").getStringData().get("REDIS_URL");
      URI redis = URI.create(url);
      assertThat(deployed.the(Service.class, redis.getHost()).getSpec().getPorts())
          .extracting(ServicePort::getPort)
          .containsExactly(redis.getPort());
      List<String> arguments =
          deployed
              .the(StatefulSet.class, "heddle-redis")
              .getSpec()
              .getTemplate()
              .getSpec()
              .getContainers()
              .getFirst()
              .getArgs();
      assertThat(arguments).containsSubsequence("--appendonly", "yes");
      assertThat(arguments).containsSubsequence("--maxmemory-policy", "noeviction");
    } else {
      assertThat(deployed.all(StatefulSet.class)).isEmpty();
      String nginx = "nginx.ingress.kubernetes.io/";
      Map<String, String> how =
          deployed.the(Ingress.class, "heddle").getMetadata().getAnnotations();
      assertThat(how)
          .containsEntry(nginx + "proxy-read-timeout", "3600")
          .containsEntry(nginx + "proxy-send-timeout", "3600")
          .containsEntry(nginx + "proxy-buffering", "off");
      String body = how.get(nginx + "proxy-body-size").toUpperCase(Locale.ROOT) + "B";
      assertThat(DataSize.parse(body))
          .isGreaterThan(bound("heddle.session", SessionProperties.class).maxRequest());
    }
  }

  private static void ownPods(Deployed deployed, LabelSelector selector, PodTemplateSpec pod) {
    assertThat(deployed.chosen(labels(selector))).containsExactly(pod);
  }

  private static Map<String, String> labels(LabelSelector selector) {
    assertThat(selector.getMatchExpressions()).isEmpty();
    return selector.getMatchLabels();
  }

  private static void opens(PodSpec pod, IntOrString port) {
    List<ContainerPort> ports =
        pod.getContainers().stream().flatMap(one -> one.getPorts().stream()).toList();
    assertThat(port.getStrVal()).as("ports go by their names").isNotNull();
    assertThat(ports).extracting(ContainerPort::getName).contains(port.getStrVal());
  }

  private static List<Probe> probes(Container container) {
    return Stream.of(
            container.getStartupProbe(),
            container.getReadinessProbe(),
            container.getLivenessProbe())
        .flatMap(probe -> Optional.ofNullable(probe).stream())
        .toList();
  }

  /** A secret is in the set, or whoever applies the overlay is told to make it. */
  private static void secret(Deployed deployed, SecretKeySelector asked) throws IOException {
    Map<String, Secret> secrets =
        deployed.all(Secret.class).stream()
            .collect(Collectors.toMap(one -> one.getMetadata().getName(), one -> one));
    if (secrets.containsKey(asked.getName())) {
      assertThat(secrets.get(asked.getName()).getStringData()).containsKey(asked.getKey());
    } else {
      assertThat(ROOT.resolve("overlays").resolve(deployed.overlay()).resolve("kustomization.yaml"))
          .content()
          .contains(
              "create secret generic " + asked.getName() + " --from-literal=" + asked.getKey());
    }
  }

  private static int managementPort(Deployed deployed) {
    Map<String, String> data = deployed.the(ConfigMap.class, "heddle").getData();
    return Integer.parseInt(data.get("MANAGEMENT_SERVER_PORT"));
  }

  private <T> T bound(String prefix, Class<T> record) {
    return application.bindOrCreate(prefix, Bindable.of(record));
  }

  private <T> T value(String name, Class<T> type) {
    return application.bind(name, type).get();
  }
}
