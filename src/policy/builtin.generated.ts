import type { ImageProfile } from '../hardening/plan.js';
import type { Policy } from './policy.js';

/*
 * Made from src/policy/builtin/*.yaml by scripts/generate.ts; do not edit. The webhook starts without parsing or
 * validating anything: that would load yaml and zod, a quarter of the time that a start may take.
 */

/** The built-in policies with all defaults filled in, by name. */
export const BUILTIN_POLICIES: readonly Policy[] = [
  {
    name: 'baseline',
    warnings: 'Summary',
    templates: 'Warn',
    unknownImages: 'Harden',
    imageProfiles: [],
    exceptions: [],
    rules: {
      privileged: { action: 'Warn', optOut: 'Allowed', settings: {} },
      runAsNonRoot: { action: 'Warn', optOut: 'Allowed', settings: {} },
      runAsUser: {
        action: 'Warn',
        optOut: 'Allowed',
        settings: {
          strategy: 'Fixed',
          value: 65532,
          group: 65532,
          fsGroup: 65532,
          whenNonRootDeclared: 'Keep',
          existingVolumes: 'Keep',
        },
      },
      capabilities: {
        action: 'Warn',
        optOut: 'Allowed',
        settings: { drop: ['ALL'], allowedAdd: ['NET_BIND_SERVICE'] },
      },
      allowPrivilegeEscalation: { action: 'Default', optOut: 'Allowed', settings: {} },
      readOnlyRootFilesystem: {
        action: 'Warn',
        optOut: 'Allowed',
        settings: { writablePaths: ['/tmp'], sizeLimit: '1Gi' },
      },
      seccompProfile: { action: 'Default', optOut: 'Allowed', settings: { type: 'RuntimeDefault' } },
      resources: {
        action: 'Warn',
        optOut: 'Allowed',
        settings: { requests: { cpu: '100m', memory: '128Mi' }, limits: { cpu: '1', memory: '512Mi' } },
      },
      hostNamespaces: { action: 'Warn', optOut: 'Allowed', settings: {} },
      hostPath: {
        action: 'Warn',
        optOut: 'Allowed',
        settings: {
          paths: ['/', '/boot', '/dev', '/etc', '/lib', '/proc', '/sys', '/usr'],
          allowed: [{ path: '/etc/localtime', readOnly: true }],
        },
      },
      runtimeSocket: { action: 'Warn', optOut: 'Allowed', settings: {} },
      sshd: { action: 'Warn', optOut: 'Allowed', settings: {} },
      automountServiceAccountToken: { action: 'Disabled', optOut: 'Allowed', settings: {} },
      scheduling: { action: 'Disabled', optOut: 'Allowed', settings: { nodeSelector: {}, tolerations: [] } },
      unprivilegedPorts: { action: 'Warn', optOut: 'Allowed', settings: {} },
      procMount: { action: 'Disabled', optOut: 'Allowed', settings: {} },
      appArmorProfile: {
        action: 'Disabled',
        optOut: 'Allowed',
        settings: { type: 'RuntimeDefault', whenUnset: 'Set' },
      },
      hostUsers: { action: 'Disabled', optOut: 'Allowed', settings: {} },
      enableServiceLinks: { action: 'Disabled', optOut: 'Allowed', settings: {} },
      imagePullPolicy: { action: 'Disabled', optOut: 'Allowed', settings: {} },
      supplementalGroupsPolicy: { action: 'Disabled', optOut: 'Allowed', settings: {} },
    },
  },
  {
    name: 'default',
    warnings: 'Summary',
    templates: 'Warn',
    unknownImages: 'Harden',
    imageProfiles: [],
    exceptions: [],
    rules: {
      privileged: { action: 'Warn', optOut: 'Allowed', settings: {} },
      runAsNonRoot: { action: 'Default', optOut: 'Allowed', settings: {} },
      runAsUser: {
        action: 'Default',
        optOut: 'Allowed',
        settings: {
          strategy: 'Fixed',
          value: 65532,
          group: 65532,
          fsGroup: 65532,
          whenNonRootDeclared: 'Keep',
          existingVolumes: 'Keep',
        },
      },
      capabilities: {
        action: 'Default',
        optOut: 'Allowed',
        settings: { drop: ['ALL'], allowedAdd: ['NET_BIND_SERVICE'] },
      },
      allowPrivilegeEscalation: { action: 'Default', optOut: 'Allowed', settings: {} },
      readOnlyRootFilesystem: {
        action: 'Default',
        optOut: 'Allowed',
        settings: { writablePaths: ['/tmp'], sizeLimit: '1Gi' },
      },
      seccompProfile: { action: 'Default', optOut: 'Allowed', settings: { type: 'RuntimeDefault' } },
      resources: {
        action: 'Default',
        optOut: 'Allowed',
        settings: { requests: { cpu: '100m', memory: '128Mi' }, limits: { cpu: '1', memory: '512Mi' } },
      },
      hostNamespaces: { action: 'Warn', optOut: 'Allowed', settings: {} },
      hostPath: {
        action: 'Warn',
        optOut: 'Allowed',
        settings: {
          paths: ['/', '/boot', '/dev', '/etc', '/lib', '/proc', '/sys', '/usr'],
          allowed: [{ path: '/etc/localtime', readOnly: true }],
        },
      },
      runtimeSocket: { action: 'Warn', optOut: 'Allowed', settings: {} },
      sshd: { action: 'Warn', optOut: 'Allowed', settings: {} },
      automountServiceAccountToken: { action: 'Disabled', optOut: 'Allowed', settings: {} },
      scheduling: { action: 'Disabled', optOut: 'Allowed', settings: { nodeSelector: {}, tolerations: [] } },
      unprivilegedPorts: { action: 'Default', optOut: 'Allowed', settings: {} },
      procMount: { action: 'Disabled', optOut: 'Allowed', settings: {} },
      appArmorProfile: {
        action: 'Disabled',
        optOut: 'Allowed',
        settings: { type: 'RuntimeDefault', whenUnset: 'Set' },
      },
      hostUsers: { action: 'Disabled', optOut: 'Allowed', settings: {} },
      enableServiceLinks: { action: 'Disabled', optOut: 'Allowed', settings: {} },
      imagePullPolicy: { action: 'Disabled', optOut: 'Allowed', settings: {} },
      supplementalGroupsPolicy: { action: 'Disabled', optOut: 'Allowed', settings: {} },
    },
  },
  {
    name: 'restricted',
    warnings: 'Summary',
    templates: 'Warn',
    unknownImages: 'Harden',
    imageProfiles: [],
    exceptions: [],
    rules: {
      privileged: { action: 'Override', optOut: 'Allowed', settings: {} },
      runAsNonRoot: { action: 'Override', optOut: 'Allowed', settings: {} },
      runAsUser: {
        action: 'Override',
        optOut: 'Allowed',
        settings: {
          strategy: 'Fixed',
          value: 65532,
          group: 65532,
          fsGroup: 65532,
          whenNonRootDeclared: 'Keep',
          existingVolumes: 'Set',
        },
      },
      capabilities: {
        action: 'Override',
        optOut: 'Allowed',
        settings: { drop: ['ALL'], allowedAdd: ['NET_BIND_SERVICE'] },
      },
      allowPrivilegeEscalation: { action: 'Override', optOut: 'Allowed', settings: {} },
      readOnlyRootFilesystem: {
        action: 'Default',
        optOut: 'Allowed',
        settings: { writablePaths: ['/tmp'], sizeLimit: '1Gi' },
      },
      seccompProfile: { action: 'Override', optOut: 'Allowed', settings: { type: 'RuntimeDefault' } },
      resources: {
        action: 'Default',
        optOut: 'Allowed',
        settings: { requests: { cpu: '100m', memory: '128Mi' }, limits: { cpu: '1', memory: '512Mi' } },
      },
      hostNamespaces: { action: 'Override', optOut: 'Allowed', settings: {} },
      hostPath: {
        action: 'Override',
        optOut: 'Allowed',
        settings: {
          paths: ['/', '/boot', '/dev', '/etc', '/lib', '/proc', '/sys', '/usr'],
          allowed: [{ path: '/etc/localtime', readOnly: true }],
        },
      },
      runtimeSocket: { action: 'Deny', optOut: 'Allowed', settings: {} },
      sshd: { action: 'Warn', optOut: 'Allowed', settings: {} },
      automountServiceAccountToken: { action: 'Disabled', optOut: 'Allowed', settings: {} },
      scheduling: { action: 'Disabled', optOut: 'Allowed', settings: { nodeSelector: {}, tolerations: [] } },
      unprivilegedPorts: { action: 'Default', optOut: 'Allowed', settings: {} },
      procMount: { action: 'Override', optOut: 'Allowed', settings: {} },
      appArmorProfile: {
        action: 'Override',
        optOut: 'Allowed',
        settings: { type: 'RuntimeDefault', whenUnset: 'Keep' },
      },
      hostUsers: { action: 'Disabled', optOut: 'Allowed', settings: {} },
      enableServiceLinks: { action: 'Disabled', optOut: 'Allowed', settings: {} },
      imagePullPolicy: { action: 'Disabled', optOut: 'Allowed', settings: {} },
      supplementalGroupsPolicy: { action: 'Disabled', optOut: 'Allowed', settings: {} },
    },
  },
];

/** The built-in policies as they are written, with their comments. */
export const BUILTIN_POLICY_TEXTS: Readonly<Record<string, string>> = {
  baseline: `# The built-in policy "baseline": to begin with. Two rules act, the two that were measured to harm least:
# allowPrivilegeEscalation: false stops programs that call sudo, seccompProfile RuntimeDefault stops programs that bring
# their own sandbox (as Chromium does); every other program that was tried ran on. All other rules say what they would
# do, so that a namespace can be looked at for a while before it gets the policy "default".
apiVersion: kube-harden.io/v1alpha1
kind: HardeningPolicy
metadata:
  name: baseline
spec:
  warnings: Summary
  templates: Warn
  unknownImages: Harden
  rules:
    allowPrivilegeEscalation: { action: Default }
    seccompProfile: { action: Default, type: RuntimeDefault }

    # Reported only. Their settings are those of the policy "default".
    privileged: { action: Warn }
    runAsNonRoot: { action: Warn }
    runAsUser: { action: Warn }
    capabilities: { action: Warn }
    readOnlyRootFilesystem: { action: Warn }
    resources: { action: Warn }
    hostNamespaces: { action: Warn }
    hostPath: { action: Warn }
    runtimeSocket: { action: Warn }
    sshd: { action: Warn }
    unprivilegedPorts: { action: Warn }

    # Matters of taste and of the cluster, not of strength: not even reported.
    automountServiceAccountToken: { action: Disabled }
    scheduling: { action: Disabled }
    procMount: { action: Disabled }
    appArmorProfile: { action: Disabled }
    hostUsers: { action: Disabled }
    enableServiceLinks: { action: Disabled }
    imagePullPolicy: { action: Disabled }
    supplementalGroupsPolicy: { action: Disabled }
`,
  default: `# The built-in policy "default": the one of every namespace whose label kube-harden.io/policy names none.
#
# It is also what every other policy starts from: a rule or a setting that a policy does not name is as it is here.
# To change it, print it (kube-harden policy show default), edit it, and give it with --policy-file: a policy of the
# same name takes the place of the built-in one.
#
# Actions: Default sets a field where it is unset; Override also replaces a weaker value; Warn only reports; Deny refuses
# the object; Disabled does not run. With optOut: Forbidden beside the action, a namespace's labels cannot weaken a rule.
apiVersion: kube-harden.io/v1alpha1
kind: HardeningPolicy
metadata:
  name: default
spec:
  # Summary: one line an object for what was changed, one for what is violated. Full: one line a rule. None: nothing.
  warnings: Summary
  # Pod templates of Deployment, StatefulSet and so on. Warn: say what their pods will get. Mutate: harden them too, which
  # then shows as a difference between Git and the cluster. Ignore: neither. Pods themselves are always hardened.
  templates: Warn
  # An image without a profile gets every rule (Harden), or only the rules of low risk (Safe).
  unknownImages: Harden
  rules:
    # Unset is not privileged, so there is nothing to set here: what is privileged is reported.
    privileged: { action: Warn }

    # These two belong together: runAsNonRoot without a uid stops every image that runs as root.
    runAsNonRoot: { action: Default }
    runAsUser:
      action: Default
      strategy: Fixed # NamespaceRange: the first uid of the namespace's annotation kube-harden.io/uid-range
      value: 65532
      group: 65532
      fsGroup: 65532
      whenNonRootDeclared: Keep # a container that says runAsNonRoot: true keeps its image's own user
      existingVolumes: Keep # a foreign uid cannot read the data that is on a volume already

    capabilities:
      action: Default
      drop: [ALL]
      allowedAdd: [NET_BIND_SERVICE]
    allowPrivilegeEscalation: { action: Default }
    readOnlyRootFilesystem:
      action: Default
      writablePaths: [/tmp] # each gets an emptyDir of its own
      sizeLimit: 1Gi # a pod that writes more is evicted
    seccompProfile: { action: Default, type: RuntimeDefault }
    resources:
      action: Default
      requests: { cpu: 100m, memory: 128Mi }
      limits: { cpu: '1', memory: 512Mi }

    # Access to the node itself. Taking it away breaks what asks for it, so it is reported.
    hostNamespaces: { action: Warn }
    hostPath:
      action: Warn
      paths: [/, /boot, /dev, /etc, /lib, /proc, /sys, /usr] # with all that is below them; / means exactly /
      allowed:
        - { path: /etc/localtime, readOnly: true }
    runtimeSocket: { action: Warn }
    sshd: { action: Warn }

    # Breaks whatever talks to the API server, and only you know what that is.
    automountServiceAccountToken: { action: Disabled }
    # nodeSelector, tolerations, nodeAffinity to add to every pod.
    scheduling: { action: Disabled }
    # Lets a non-root container listen on a port below 1024, by the sysctl net.ipv4.ip_unprivileged_port_start.
    unprivilegedPorts: { action: Default }

    # Whether these do good depends on your nodes and programs, which only you know. Each page in docs/rules says what to
    # look at before it is turned on.
    procMount: { action: Disabled } # containers that build or run containers ask for it
    appArmorProfile: { action: Disabled, type: RuntimeDefault, whenUnset: Set } # a node without AppArmor refuses the pod
    hostUsers: { action: Disabled } # Linux 6.3 and containerd 2.0, or CRI-O 1.25
    enableServiceLinks: { action: Disabled } # programs that read NAME_SERVICE_HOST
    imagePullPolicy: { action: Disabled } # no start without the registry
    supplementalGroupsPolicy: { action: Disabled } # containerd 2.0 or CRI-O 1.31; another node refuses the pod

  # What is known of your images, so that hardening does not break them; added to the built-in ones, and these win:
  #   - images: ["registry.example/shop/web"]
  #     runAsUser: 101
  #     writablePaths: [/var/cache/web, /run]
  #     ports: [80]
  imageProfiles: []

  # Rule by container, each with its reason, bound to namespaces:
  #   - name: legacy-billing
  #     reason: writes to its own image; ticket OPS-1432
  #     expires: "2027-03-01" # valid through that day, UTC
  #     match: { namespaces: [billing], podLabels: { app: invoice }, containers: [main] }
  #     rules: [readOnlyRootFilesystem]
  exceptions: []
`,
  restricted: `# The built-in policy "restricted": pods reach the Pod Security Standards level restricted wherever that is possible.
# Where "default" leaves an explicit weaker value and reports it, this one replaces it, so it does break programs that need
# what is taken away. Namespaces may still opt out of a rule by label; add optOut: Forbidden to a rule to end that.
apiVersion: kube-harden.io/v1alpha1
kind: HardeningPolicy
metadata:
  name: restricted
spec:
  warnings: Summary
  templates: Warn
  unknownImages: Harden
  rules:
    # What Pod Security restricted (and baseline, below it) asks for.
    privileged: { action: Override }
    runAsNonRoot: { action: Override }
    runAsUser:
      action: Override
      # An image's own non-root user is enough for the level.
      whenNonRootDeclared: Keep
      # Otherwise a container with a volume that outlives the pod stays root, which the level does not allow. The uid may
      # not be able to read the data that is there: give such images a profile with their own uid first.
      existingVolumes: Set
    capabilities: { action: Override, drop: [ALL], allowedAdd: [NET_BIND_SERVICE] }
    allowPrivilegeEscalation: { action: Override }
    seccompProfile: { action: Override, type: RuntimeDefault }
    hostNamespaces: { action: Override }
    # The level refuses Unmasked in a user namespace too, the one place where the API server takes it.
    procMount: { action: Override }
    # The level refuses Unconfined, and asks for nothing where no profile is named: Set would name one, and then every node
    # without AppArmor (those with SELinux) would refuse the pod. So Unconfined becomes unset, which is the runtime's own
    # profile wherever there is AppArmor.
    appArmorProfile: { action: Override, type: RuntimeDefault, whenUnset: Keep }
    # Mounts of sensitive directories become read-only. The level allows no hostPath volume at all, and a volume that is
    # taken away would leave its mounts invalid: such a pod stays below the level.
    hostPath: { action: Override }
    # It cannot be replaced by anything, and whoever holds the socket is root on the node, whatever the rest of the pod
    # says. A namespace that was given this policy expects the pod to be refused, not to be told of it.
    runtimeSocket: { action: Deny }

    # Not part of the level.
    # An SSH server is a way in, not a way to the node, and images that merely contain one run fine without it in use.
    sshd: { action: Warn }
    # Not Override: an author who wrote false says that the program writes there. The level does not ask for it, so
    # breaking the program would gain nothing in it. Where it is unset it is set, as in "default".
    readOnlyRootFilesystem: { action: Default }
    resources: { action: Default }
    # What makes ports below 1024 work again for those that are no longer root.
    unprivilegedPorts: { action: Default }
    automountServiceAccountToken: { action: Disabled }
    scheduling: { action: Disabled }

    # Not part of the level, and nodes or programs must be ready for them.
    hostUsers: { action: Disabled }
    enableServiceLinks: { action: Disabled }
    imagePullPolicy: { action: Disabled }
    supplementalGroupsPolicy: { action: Disabled }
`,
};

/** What is known of well-known images. */
export const BUILTIN_IMAGE_PROFILES: readonly ImageProfile[] = [
  {
    images: ['docker.io/library/nginx', 'public.ecr.aws/docker/library/nginx'],
    runAsUser: 101,
    writablePaths: ['/var/cache/nginx', '/run'],
    ports: [80],
    startsAsRoot: { capabilities: ['CHOWN', 'SETUID', 'SETGID', 'NET_BIND_SERVICE'] },
  },
  { images: ['docker.io/nginxinc/nginx-unprivileged'], runAsUser: 101 },
  {
    images: ['docker.io/library/postgres', 'public.ecr.aws/docker/library/postgres'],
    runAsUser: 999,
    writablePaths: ['/var/run/postgresql'],
    dataPaths: ['/var/lib/postgresql'],
    startsAsRoot: {
      capabilities: ['CHOWN', 'SETUID', 'SETGID', 'DAC_OVERRIDE'],
      volumes: ['/var/lib/postgresql/data'],
      volumeVariable: 'PGDATA',
    },
  },
  {
    images: ['docker.io/library/postgres:*alpine*', 'public.ecr.aws/docker/library/postgres:*alpine*'],
    runAsUser: 70,
    writablePaths: ['/var/run/postgresql'],
    dataPaths: ['/var/lib/postgresql'],
    startsAsRoot: {
      capabilities: ['CHOWN', 'SETUID', 'SETGID', 'DAC_OVERRIDE'],
      volumes: ['/var/lib/postgresql/data'],
      volumeVariable: 'PGDATA',
    },
  },
  {
    images: ['docker.io/library/redis', 'public.ecr.aws/docker/library/redis'],
    runAsUser: 999,
    writablePaths: ['/data'],
    sizeLimit: '10Gi',
    startsAsRoot: { capabilities: ['CHOWN', 'SETUID', 'SETGID'] },
  },
  {
    images: ['docker.io/library/redis:*alpine*', 'public.ecr.aws/docker/library/redis:*alpine*'],
    runAsUser: 999,
    runAsGroup: 1000,
    writablePaths: ['/data'],
    sizeLimit: '10Gi',
    startsAsRoot: { capabilities: ['CHOWN', 'SETUID', 'SETGID'] },
  },
  { images: ['docker.io/valkey/valkey'], runAsUser: 999, writablePaths: ['/data'], sizeLimit: '10Gi' },
  {
    images: ['docker.io/valkey/valkey:*alpine*'],
    runAsUser: 999,
    runAsGroup: 1000,
    writablePaths: ['/data'],
    sizeLimit: '10Gi',
  },
  {
    images: ['docker.io/library/httpd', 'public.ecr.aws/docker/library/httpd'],
    runAsUser: 33,
    writablePaths: ['/usr/local/apache2/logs'],
    ports: [80],
    startsAsRoot: { capabilities: ['SETUID', 'SETGID', 'NET_BIND_SERVICE'] },
  },
  {
    images: ['docker.io/library/httpd:*alpine*', 'public.ecr.aws/docker/library/httpd:*alpine*'],
    runAsUser: 82,
    writablePaths: ['/usr/local/apache2/logs'],
    ports: [80],
    startsAsRoot: { capabilities: ['SETUID', 'SETGID', 'NET_BIND_SERVICE'] },
  },
  { images: ['docker.io/library/memcached', 'public.ecr.aws/docker/library/memcached'], runAsUser: 11211 },
  {
    images: ['docker.io/library/haproxy', 'public.ecr.aws/docker/library/haproxy'],
    runAsUser: 99,
    ports: [80],
  },
  {
    images: ['docker.io/library/mariadb', 'public.ecr.aws/docker/library/mariadb'],
    runAsUser: 999,
    writablePaths: ['/run/mysqld'],
    dataPaths: ['/var/lib/mysql'],
    startsAsRoot: { capabilities: ['CHOWN', 'SETUID', 'SETGID', 'DAC_OVERRIDE'] },
  },
  {
    images: ['docker.io/library/mariadb:*ubi*', 'public.ecr.aws/docker/library/mariadb:*ubi*'],
    runAsUser: 999,
    writablePaths: ['/run/mariadb'],
    dataPaths: ['/var/lib/mysql'],
    startsAsRoot: { capabilities: ['CHOWN', 'SETUID', 'SETGID', 'DAC_OVERRIDE'] },
  },
  {
    images: ['docker.io/library/mysql', 'public.ecr.aws/docker/library/mysql'],
    runAsUser: 999,
    writablePaths: ['/var/run/mysqld'],
    dataPaths: ['/var/lib/mysql'],
    startsAsRoot: { capabilities: ['CHOWN', 'SETUID', 'SETGID', 'DAC_OVERRIDE'] },
  },
  {
    images: ['docker.io/library/mongo', 'public.ecr.aws/docker/library/mongo'],
    runAsUser: 999,
    dataPaths: ['/data/db', '/data/configdb'],
    startsAsRoot: { capabilities: ['CHOWN', 'SETUID', 'SETGID', 'DAC_OVERRIDE'] },
  },
  {
    images: ['docker.io/library/rabbitmq', 'public.ecr.aws/docker/library/rabbitmq'],
    writablePaths: ['/var/log/rabbitmq'],
    dataPaths: ['/var/lib/rabbitmq'],
    startsAsRoot: { capabilities: ['CHOWN', 'SETUID', 'SETGID', 'DAC_OVERRIDE'] },
  },
  {
    images: ['docker.io/library/eclipse-mosquitto', 'public.ecr.aws/docker/library/eclipse-mosquitto'],
    runAsUser: 1883,
    dataPaths: ['/mosquitto/data', '/mosquitto/log'],
  },
  {
    images: ['docker.io/library/caddy', 'public.ecr.aws/docker/library/caddy'],
    writablePaths: ['/config', '/data'],
    ports: [80, 443],
    needs: ['NET_BIND_SERVICE'],
  },
  {
    images: ['docker.io/library/traefik', 'public.ecr.aws/docker/library/traefik'],
    writablePaths: ['/plugins-storage'],
    ports: [80],
  },
  {
    images: ['docker.io/library/varnish', 'public.ecr.aws/docker/library/varnish'],
    runAsUser: 1000,
    writablePaths: ['/var/lib/varnish'],
    ports: [80],
  },
  {
    images: ['docker.io/library/varnish:*alpine*', 'public.ecr.aws/docker/library/varnish:*alpine*'],
    writablePaths: ['/var/lib/varnish'],
    ports: [80],
  },
  {
    images: ['docker.io/library/registry', 'public.ecr.aws/docker/library/registry'],
    writablePaths: ['/var/lib/registry'],
    sizeLimit: '100Gi',
  },
  { images: ['docker.io/library/nats', 'public.ecr.aws/docker/library/nats'] },
  {
    images: ['docker.io/library/tomcat', 'public.ecr.aws/docker/library/tomcat'],
    writablePaths: [
      '/usr/local/tomcat/logs',
      '/usr/local/tomcat/temp',
      '/usr/local/tomcat/webapps',
      '/usr/local/tomcat/work',
    ],
  },
  {
    images: ['docker.io/library/php:*apache*', 'public.ecr.aws/docker/library/php:*apache*'],
    runAsUser: 33,
    writablePaths: ['/var/run/apache2', '/var/lock/apache2'],
    ports: [80],
  },
  {
    images: ['docker.io/library/php:*fpm-alpine*', 'public.ecr.aws/docker/library/php:*fpm-alpine*'],
    runAsUser: 82,
  },
  { images: ['docker.io/library/php:*fpm*', 'public.ecr.aws/docker/library/php:*fpm*'], runAsUser: 33 },
  {
    images: [
      'docker.io/library/wordpress:*fpm-alpine*',
      'public.ecr.aws/docker/library/wordpress:*fpm-alpine*',
    ],
    runAsUser: 82,
    dataPaths: ['/var/www/html'],
  },
  {
    images: ['docker.io/library/wordpress:cli*', 'public.ecr.aws/docker/library/wordpress:cli*'],
    runAsUser: 82,
    dataPaths: ['/var/www/html'],
  },
  {
    images: ['docker.io/library/wordpress', 'public.ecr.aws/docker/library/wordpress'],
    runAsUser: 33,
    writablePaths: ['/var/run/apache2', '/var/lock/apache2'],
    dataPaths: ['/var/www/html'],
    ports: [80],
  },
  {
    images: [
      'docker.io/library/influxdb:latest',
      'docker.io/library/influxdb:2*',
      'public.ecr.aws/docker/library/influxdb:latest',
      'public.ecr.aws/docker/library/influxdb:2*',
    ],
    runAsUser: 1000,
    dataPaths: ['/var/lib/influxdb2', '/etc/influxdb2'],
  },
  { images: ['docker.io/library/node', 'public.ecr.aws/docker/library/node'] },
  { images: ['docker.io/library/python', 'public.ecr.aws/docker/library/python'] },
  {
    images: ['docker.io/prom/prometheus', 'quay.io/prometheus/prometheus'],
    runAsUser: 65534,
    dataPaths: ['/prometheus'],
  },
  {
    images: ['docker.io/prom/prometheus:*distroless*', 'quay.io/prometheus/prometheus:*distroless*'],
    runAsUser: 65532,
    writablePaths: ['/prometheus'],
    sizeLimit: '100Gi',
  },
  {
    images: ['docker.io/prom/alertmanager', 'quay.io/prometheus/alertmanager'],
    runAsUser: 65534,
    dataPaths: ['/alertmanager'],
  },
  { images: ['docker.io/prom/pushgateway', 'quay.io/prometheus/pushgateway'], runAsUser: 65534 },
  { images: ['docker.io/prom/node-exporter', 'quay.io/prometheus/node-exporter'], runAsUser: 65534 },
  { images: ['docker.io/grafana/grafana'], runAsUser: 472, writablePaths: ['/var/lib/grafana'] },
  { images: ['docker.io/grafana/loki'], runAsUser: 10001, writablePaths: ['/loki'], sizeLimit: '100Gi' },
  {
    images: ['docker.io/otel/opentelemetry-collector', 'docker.io/otel/opentelemetry-collector-contrib'],
    runAsUser: 10001,
  },
  { images: ['docker.io/jaegertracing/jaeger'], runAsUser: 10001 },
  { images: ['registry.k8s.io/kube-state-metrics/kube-state-metrics'], runAsUser: 65534 },
  { images: ['registry.k8s.io/metrics-server/metrics-server'], runAsUser: 65534 },
  {
    images: ['docker.io/coredns/coredns', 'registry.k8s.io/coredns/coredns'],
    runAsUser: 65532,
    ports: [53],
    needs: ['NET_BIND_SERVICE'],
  },
  {
    images: [
      'quay.io/jetstack/cert-manager-controller',
      'quay.io/jetstack/cert-manager-webhook',
      'quay.io/jetstack/cert-manager-cainjector',
      'quay.io/jetstack/cert-manager-acmesolver',
    ],
  },
  { images: ['quay.io/argoproj/argocd'], runAsUser: 999 },
  { images: ['ghcr.io/dexidp/dex', 'docker.io/dexidp/dex'], runAsUser: 1001, writablePaths: ['/var/dex'] },
  { images: ['docker.io/jenkins/jenkins'], runAsUser: 1000, dataPaths: ['/var/jenkins_home'] },
];
