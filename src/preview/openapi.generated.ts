/* Made by scripts/generated/openapi.ts from the schemas beside this file; do not edit. */

/** The OpenAPI document that GET /openapi.json answers. */
export const OPENAPI_DOCUMENT: object = {
  openapi: '3.1.1',
  info: {
    title: 'kube-harden preview',
    version: '0.1.0',
    summary: 'What hardening would do to a manifest, without doing it.',
    description:
      'Nothing here changes anything. Standalone the listener answers this machine only, unless serve was started with --preview-insecure. In a cluster every request carries a bearer token of the cluster, whose user needs the verb create on previews.kube-harden.io in the namespace that the query names; a preview needs it in every namespace that an object of the body names too.',
    license: { name: 'Apache-2.0', identifier: 'Apache-2.0' },
  },
  servers: [{ url: '/', description: 'The preview listener (TLS), by default port 9443.' }],
  security: [{ bearer: [] }, {}],
  tags: [
    { name: 'preview', description: 'What hardening does to manifests.' },
    { name: 'catalogue', description: 'What there is to choose from.' },
  ],
  paths: {
    '/preview': {
      post: {
        operationId: 'preview',
        tags: ['preview'],
        summary: 'What hardening does to these manifests.',
        description:
          'Takes one or many Kubernetes objects in YAML (as Kubernetes reads it, 1.1) or JSON: several documents, Lists, which are taken apart, or an AdmissionReview, whose request is taken as it is. The answer follows Accept; application/json unless asked for another.',
        parameters: [
          {
            name: 'namespace',
            in: 'query',
            description: 'The namespace of objects that name none.',
            schema: { type: 'string', pattern: '^[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?$', default: 'default' },
          },
          {
            name: 'policy',
            in: 'query',
            description:
              "The name of the policy to apply, one of GET /api/policies, whatever the namespace's label says.",
            schema: { type: 'string' },
          },
          {
            name: 'mode',
            in: 'query',
            description: "The mode to apply, whatever the namespace's label says.",
            schema: { $ref: '#/components/schemas/Mode' },
          },
          {
            name: 'label',
            in: 'query',
            description:
              'A label that the namespace shall have: kube-harden.io/mode, kube-harden.io/policy, or kube-harden.io/ with the id of a rule and disabled or warn. May be given several times.',
            schema: { type: 'array', items: { type: 'string', pattern: '^kube-harden\\.io/[A-Za-z]+=.+$' } },
            style: 'form',
            explode: true,
            example: ['kube-harden.io/readOnlyRootFilesystem=disabled'],
          },
          {
            name: 'podSecurityVersion',
            in: 'query',
            description:
              'The version of the Pod Security Standards to judge by. latest: that of the API server; without a cluster the newest that is known.',
            schema: { type: 'string', pattern: '^(latest|v1\\.(0|[1-9][0-9]*))$', default: 'latest' },
          },
        ],
        requestBody: {
          required: true,
          description:
            'The manifests, UTF-8, at most 20971520 bytes (20 MiB), not compressed. A Content-Type of none, text/yaml, application/x-yaml, text/x-yaml, text/plain or application/x-www-form-urlencoded (which curl --data-binary says) is read as YAML too.',
          content: {
            'application/yaml': {
              schema: { type: 'string', description: 'One or many YAML documents.' },
              example:
                'apiVersion: v1\nkind: Pod\nmetadata:\n  name: web\n  namespace: shop\nspec:\n  securityContext: {runAsNonRoot: true, runAsUser: 10001, runAsGroup: 10001, seccompProfile: {type: RuntimeDefault}}\n  containers:\n    - name: web\n      image: registry.example/web:1.4.2\n      resources: {requests: {cpu: 100m, memory: 128Mi}, limits: {cpu: "1", memory: 256Mi}}\n      securityContext:\n        readOnlyRootFilesystem: true\n        capabilities: {drop: [ALL]}\n',
            },
            'application/json': {
              schema: { type: 'object', description: 'A Kubernetes object, a List, or an AdmissionReview.' },
            },
          },
        },
        responses: {
          '200': {
            description: 'What hardening does to each object.',
            content: {
              'application/json': {
                schema: { $ref: '#/components/schemas/PreviewAnswer' },
                example: {
                  results: [
                    {
                      source: 'document 0',
                      apiVersion: 'v1',
                      kind: 'Pod',
                      namespace: 'shop',
                      name: 'web',
                      policy: 'default',
                      mode: 'enforce',
                      outcome: 'patched',
                      because: null,
                      message: null,
                      patch: [
                        {
                          op: 'add',
                          path: '/spec/containers/0/securityContext/allowPrivilegeEscalation',
                          value: false,
                        },
                        {
                          op: 'add',
                          path: '/metadata/annotations',
                          value: { 'kube-harden.io/changed': 'allowPrivilegeEscalation' },
                        },
                      ],
                      changes: [
                        {
                          rule: 'allowPrivilegeEscalation',
                          container: 'web',
                          field: 'spec.containers[0].securityContext.allowPrivilegeEscalation',
                          before: null,
                          after: false,
                          reason:
                            'Without it a set-uid program in the image, or one brought in, makes root of any user.',
                          risk: 'low',
                          profile: 'unknown',
                        },
                      ],
                      containers: [
                        {
                          name: 'web',
                          image: 'registry.example/web:1.4.2',
                          profile: null,
                          settledBy: 'kubectl harden learn pod/web -n shop -c web',
                        },
                      ],
                      skips: [],
                      violations: [],
                      warnings: [
                        'kube-harden set 1 field (allowPrivilegeEscalation)',
                        'kube-harden: every change and its reason: kubectl harden explain pod/web -n shop',
                      ],
                      podSecurity: {
                        version: 'v1.37',
                        before: 'baseline',
                        after: 'restricted',
                        blockers: [],
                      },
                      hardened: {
                        apiVersion: 'v1',
                        kind: 'Pod',
                        metadata: {
                          name: 'web',
                          namespace: 'shop',
                          annotations: { 'kube-harden.io/changed': 'allowPrivilegeEscalation' },
                        },
                        spec: {
                          securityContext: {
                            runAsNonRoot: true,
                            runAsUser: 10001,
                            runAsGroup: 10001,
                            seccompProfile: { type: 'RuntimeDefault' },
                          },
                          containers: [
                            {
                              name: 'web',
                              image: 'registry.example/web:1.4.2',
                              resources: {
                                requests: { cpu: '100m', memory: '128Mi' },
                                limits: { cpu: '1', memory: '256Mi' },
                              },
                              securityContext: {
                                readOnlyRootFilesystem: true,
                                capabilities: { drop: ['ALL'] },
                                allowPrivilegeEscalation: false,
                              },
                            },
                          ],
                        },
                      },
                    },
                  ],
                },
              },
              'application/yaml': {
                schema: {
                  type: 'string',
                  description:
                    'The manifests with the hardened fields written into them, templates too; comments at the top say what the lines cannot show. Asked for as text/yaml or application/x-yaml too.',
                },
                example:
                  '# document 0 Pod shop/web:\n#   risk: low: allowPrivilegeEscalation\napiVersion: v1\nkind: Pod\nmetadata:\n  name: web\n  namespace: shop\nspec:\n  securityContext: {runAsNonRoot: true, runAsUser: 10001, runAsGroup: 10001, seccompProfile: {type: RuntimeDefault}}\n  containers:\n    - name: web\n      image: registry.example/web:1.4.2\n      resources: {requests: {cpu: 100m, memory: 128Mi}, limits: {cpu: "1", memory: 256Mi}}\n      securityContext:\n        readOnlyRootFilesystem: true\n        capabilities: {drop: [ALL]}\n        allowPrivilegeEscalation: false\n',
              },
              'text/x-diff': {
                schema: {
                  type: 'string',
                  description:
                    'The same as a unified diff that patch -p1 takes; empty where nothing changes. Asked for as text/x-patch too.',
                },
                example:
                  '# document 0 Pod shop/web:\n#   risk: low: allowPrivilegeEscalation\n--- a/manifest.yaml\n+++ b/manifest.yaml\n@@ -12,3 +12,4 @@\n       securityContext:\n         readOnlyRootFilesystem: true\n         capabilities: {drop: [ALL]}\n+        allowPrivilegeEscalation: false\n',
              },
              'application/vnd.kube-harden.annotated+json': {
                schema: { $ref: '#/components/schemas/AnnotatedPreview' },
                example: {
                  text: 'apiVersion: v1\nkind: Pod\nmetadata:\n  name: web\n  namespace: shop\nspec:\n  securityContext: {runAsNonRoot: true, runAsUser: 10001, runAsGroup: 10001, seccompProfile: {type: RuntimeDefault}}\n  containers:\n    - name: web\n      image: registry.example/web:1.4.2\n      resources: {requests: {cpu: 100m, memory: 128Mi}, limits: {cpu: "1", memory: 256Mi}}\n      securityContext:\n        readOnlyRootFilesystem: true\n        capabilities: {drop: [ALL]}\n        allowPrivilegeEscalation: false\n',
                  lines: [{ line: 15, original: 14, result: 0, changes: [0] }],
                  changes: [
                    {
                      rule: 'allowPrivilegeEscalation',
                      container: 'web',
                      field: 'spec.containers[0].securityContext.allowPrivilegeEscalation',
                      before: null,
                      after: false,
                      reason:
                        'Without it a set-uid program in the image, or one brought in, makes root of any user.',
                      risk: 'low',
                      profile: 'unknown',
                    },
                  ],
                  results: [
                    {
                      source: 'document 0',
                      apiVersion: 'v1',
                      kind: 'Pod',
                      namespace: 'shop',
                      name: 'web',
                      policy: 'default',
                      mode: 'enforce',
                      outcome: 'patched',
                      because: null,
                      message: null,
                      patch: [
                        {
                          op: 'add',
                          path: '/spec/containers/0/securityContext/allowPrivilegeEscalation',
                          value: false,
                        },
                        {
                          op: 'add',
                          path: '/metadata/annotations',
                          value: { 'kube-harden.io/changed': 'allowPrivilegeEscalation' },
                        },
                      ],
                      changes: [0],
                      containers: [
                        {
                          name: 'web',
                          image: 'registry.example/web:1.4.2',
                          profile: null,
                          settledBy: 'kubectl harden learn pod/web -n shop -c web',
                        },
                      ],
                      skips: [],
                      violations: [],
                      warnings: [
                        'kube-harden set 1 field (allowPrivilegeEscalation)',
                        'kube-harden: every change and its reason: kubectl harden explain pod/web -n shop',
                      ],
                      podSecurity: {
                        version: 'v1.37',
                        before: 'baseline',
                        after: 'restricted',
                        blockers: [],
                      },
                    },
                  ],
                  notes: [],
                },
              },
            },
          },
          '400': { $ref: '#/components/responses/BadRequest' },
          '401': { $ref: '#/components/responses/Unauthorized' },
          '403': { $ref: '#/components/responses/Forbidden' },
          '404': { $ref: '#/components/responses/NotFound' },
          '406': { $ref: '#/components/responses/NotAcceptable' },
          '413': { $ref: '#/components/responses/ContentTooLarge' },
          '415': { $ref: '#/components/responses/UnsupportedMediaType' },
          '500': { $ref: '#/components/responses/InternalServerError' },
          '503': { $ref: '#/components/responses/ServiceUnavailable' },
          default: { $ref: '#/components/responses/Problem' },
        },
      },
    },
    '/api/rules': {
      get: {
        operationId: 'listRules',
        tags: ['catalogue'],
        summary: 'Every hardening rule, from its own metadata.',
        parameters: [
          {
            name: 'namespace',
            in: 'query',
            description:
              'In a cluster: the namespace in which the caller has the right to preview. Without it the right in all namespaces is asked for. The answer is the same.',
            schema: { type: 'string', pattern: '^[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?$' },
          },
        ],
        responses: {
          '200': {
            description: 'The rule catalogue.',
            content: { 'application/json': { schema: { $ref: '#/components/schemas/RulesAnswer' } } },
          },
          '401': { $ref: '#/components/responses/Unauthorized' },
          '403': { $ref: '#/components/responses/Forbidden' },
          '500': { $ref: '#/components/responses/InternalServerError' },
          '503': { $ref: '#/components/responses/ServiceUnavailable' },
          default: { $ref: '#/components/responses/Problem' },
        },
      },
    },
    '/api/policies': {
      get: {
        operationId: 'listPolicies',
        tags: ['catalogue'],
        summary: 'The policies in force, every default filled in.',
        parameters: [
          {
            name: 'namespace',
            in: 'query',
            description:
              'In a cluster: the namespace in which the caller has the right to preview. Without it the right in all namespaces is asked for. The answer is the same.',
            schema: { type: 'string', pattern: '^[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?$' },
          },
        ],
        responses: {
          '200': {
            description: 'The policies in force.',
            content: { 'application/json': { schema: { $ref: '#/components/schemas/PoliciesAnswer' } } },
          },
          '401': { $ref: '#/components/responses/Unauthorized' },
          '403': { $ref: '#/components/responses/Forbidden' },
          '500': { $ref: '#/components/responses/InternalServerError' },
          '503': { $ref: '#/components/responses/ServiceUnavailable' },
          default: { $ref: '#/components/responses/Problem' },
        },
      },
    },
    '/openapi.json': {
      get: {
        operationId: 'getOpenApi',
        tags: ['catalogue'],
        summary: 'This document.',
        parameters: [
          {
            name: 'namespace',
            in: 'query',
            description:
              'In a cluster: the namespace in which the caller has the right to preview. Without it the right in all namespaces is asked for. The answer is the same.',
            schema: { type: 'string', pattern: '^[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?$' },
          },
        ],
        responses: {
          '200': {
            description: 'This document.',
            content: {
              'application/json': {
                schema: {
                  type: 'object',
                  description: 'An OpenAPI 3.1 document.',
                  required: ['openapi', 'info', 'paths', 'components'],
                },
              },
            },
          },
          '401': { $ref: '#/components/responses/Unauthorized' },
          '403': { $ref: '#/components/responses/Forbidden' },
          '500': { $ref: '#/components/responses/InternalServerError' },
          '503': { $ref: '#/components/responses/ServiceUnavailable' },
          default: { $ref: '#/components/responses/Problem' },
        },
      },
    },
  },
  components: {
    schemas: {
      RuleId: {
        type: 'string',
        enum: [
          'privileged',
          'runAsNonRoot',
          'runAsUser',
          'capabilities',
          'allowPrivilegeEscalation',
          'readOnlyRootFilesystem',
          'seccompProfile',
          'resources',
          'hostNamespaces',
          'hostPath',
          'runtimeSocket',
          'sshd',
          'automountServiceAccountToken',
          'scheduling',
          'unprivilegedPorts',
          'procMount',
          'appArmorProfile',
          'hostUsers',
          'enableServiceLinks',
          'imagePullPolicy',
          'supplementalGroupsPolicy',
        ],
        description: 'The id of a rule: the Kubernetes field that it governs. GET /api/rules describes each.',
      },
      SkipCode: {
        type: 'string',
        enum: [
          'ExplicitRoot',
          'NonRootDeclared',
          'StartsAsRoot',
          'PrivilegedContainer',
          'ApiWouldReject',
          'NodeWouldReject',
          'LegacyAnnotation',
          'WindowsPod',
          'PodLevelResources',
          'RequestDefaultsToLimit',
          'QuotaScope',
          'EphemeralContainer',
          'DaemonSetPod',
          'BarePod',
          'StatefulUnknownImage',
          'UnknownImage',
          'ImageNeeds',
          'OptedOut',
          'Excepted',
        ],
        description:
          "Why a rule left something alone. ExplicitRoot: the container says that it runs as root. NonRootDeclared: it declares runAsNonRoot without a uid, so it relies on the user of its image. StartsAsRoot: the container starts, or may start, as root, and its entrypoint may need that to become another user. PrivilegedContainer: the container is privileged: the field would have no effect, be refused, or break what needs the privileges. ApiWouldReject: the API server would refuse the object with this field. NodeWouldReject: no node could start the pod with this field. LegacyAnnotation: an old seccomp or AppArmor annotation says something else, and the API server refuses both together. WindowsPod: the pod runs on Windows, where this rule has nothing to govern or the API server refuses the field. PodLevelResources: the pod sets resources for all its containers together. RequestDefaultsToLimit: the limit is set, and the API server makes the request equal to it. QuotaScope: a quota of the namespace counts pods without resources apart, and defaults would move this one. EphemeralContainer: an ephemeral container may not have this field, or could not be used for debugging with it. DaemonSetPod: a DaemonSet has pinned the pod to its node already. BarePod: a pod that nobody owns, or the template of a Job: replacing what its author wrote would make the next kubectl apply fail. StatefulUnknownImage: it writes to a volume that outlives the pod, and nothing is known of its image: another user could not read the data. UnknownImage: nothing is known of the image, and the policy hardens such images only where the risk is low. ImageNeeds: the image needs what the rule would take away, its profile says. OptedOut: the namespace's label turns the rule off. Excepted: an exception of the policy lifts the rule.",
      },
      Risk: {
        type: 'string',
        enum: ['low', 'medium', 'high'],
        description: 'How likely a change is to break a program that runs today.',
      },
      ImageKnowledge: {
        type: 'string',
        enum: ['known', 'unknown'],
        description:
          'Whether an image profile answers for a change. known: one is known of every image that the change is about, which is why its risk is low. unknown: at least one of them has none; containers has the command that would settle it.',
      },
      PodSecurityLevel: {
        type: 'string',
        enum: ['privileged', 'baseline', 'restricted'],
        description: 'A level of the Pod Security Standards, weakest first.',
      },
      Mode: {
        type: 'string',
        enum: ['enforce', 'audit', 'disabled'],
        description:
          'What happens in a namespace. enforce: objects are hardened. audit: nothing is changed, and the answer says what would be. disabled: the webhook is not called, or never touches the namespace.',
      },
      Outcome: {
        type: 'string',
        enum: ['ignored', 'unchanged', 'patched', 'reported', 'denied'],
        description:
          'What /mutate would do with the object. ignored: it is out of scope, because says why. unchanged: there is nothing to change. patched: patch is not empty. reported: it is left as it is, and the caller is told (mode audit, or a template under templates: Warn). denied: it is refused, message says why.',
      },
      PatchOperation: {
        oneOf: [
          {
            type: 'object',
            properties: {
              op: { type: 'string', enum: ['add', 'replace'], description: 'What is done.' },
              path: {
                type: 'string',
                description: 'A JSON Pointer (RFC 6901) into the object as it was sent.',
              },
              value: { description: 'The value that is set there, whole.' },
            },
            required: ['op', 'path', 'value'],
          },
          {
            type: 'object',
            properties: {
              op: { type: 'string', const: 'remove', description: 'What is done.' },
              path: {
                type: 'string',
                description: 'A JSON Pointer (RFC 6901) into the object as it was sent.',
              },
            },
            required: ['op', 'path'],
          },
        ],
        description: 'One operation of a JSON Patch (RFC 6902).',
      },
      PreviewChange: {
        description: 'One field that a rule writes.',
        type: 'object',
        properties: {
          rule: { $ref: '#/components/schemas/RuleId' },
          container: {
            description: "The container's name; null where the field is the pod's own.",
            type: ['string', 'null'],
          },
          field: {
            type: 'string',
            description:
              "From the pod, in Kubernetes' field notation; [] at the end is an item that is added to a list.",
          },
          before: { description: 'What stands there; null where the field is unset.' },
          after: { description: 'What will stand there; null where the field is taken out.' },
          reason: {
            type: 'string',
            description: 'Why the field should have this value, in one or two sentences.',
          },
          risk: { $ref: '#/components/schemas/Risk' },
          profile: {
            anyOf: [{ $ref: '#/components/schemas/ImageKnowledge' }, { type: 'null' }],
            description:
              'What is known of the images that the change is about; null where the risk has nothing to do with images, or the rule goes against what the author wrote.',
          },
        },
        required: ['rule', 'container', 'field', 'before', 'after', 'reason', 'risk', 'profile'],
      },
      PreviewContainer: {
        description: 'What is known of the image of a container.',
        type: 'object',
        properties: {
          name: { type: 'string', description: "The container's name." },
          image: {
            type: 'string',
            description: 'The image, as the container names it; empty where it names none.',
          },
          profile: {
            anyOf: [
              {
                type: 'object',
                properties: {
                  image: { type: 'string', description: "Which of the profile's images matches." },
                  from: {
                    type: 'string',
                    enum: ['policy', 'builtIn'],
                    description:
                      'Whose profile it is. policy: one of spec.imageProfiles. builtIn: one that comes with kube-harden.',
                  },
                },
                required: ['image', 'from'],
              },
              { type: 'null' },
            ],
            description: 'The image profile that applies; null where none is known.',
          },
          settledBy: {
            description:
              'The command that writes a profile: learn, which looks at the running container, or profile, which looks at the image of one that ends by itself or has no name yet. Null where a profile is known, on Windows, and where a name is none that a command can be given.',
            type: ['string', 'null'],
          },
        },
        required: ['name', 'image', 'profile', 'settledBy'],
      },
      PreviewSkip: {
        description: 'Something that a rule left alone, and why.',
        type: 'object',
        properties: {
          rule: { $ref: '#/components/schemas/RuleId' },
          container: {
            description: "The container's name; null where the field is the pod's own.",
            type: ['string', 'null'],
          },
          code: { $ref: '#/components/schemas/SkipCode' },
          reason: { type: 'string', description: 'What the code says, with what exactly stood in the way.' },
          optOut: {
            description:
              'The command that turns the rule off in the namespace; null where that is done already, or the policy forbids it.',
            type: ['string', 'null'],
          },
        },
        required: ['rule', 'container', 'code', 'reason', 'optOut'],
      },
      PreviewViolation: {
        description: 'A value that is weaker than a rule asks, and that stays.',
        type: 'object',
        properties: {
          rule: { $ref: '#/components/schemas/RuleId' },
          container: {
            description: "The container's name; null where the field is the pod's own.",
            type: ['string', 'null'],
          },
          field: { type: 'string', description: "From the pod, in Kubernetes' field notation." },
          value: { description: 'What stands there; null where the field is unset.' },
          denied: {
            type: 'boolean',
            description: 'Whether the object is refused for it in mode enforce (action Deny).',
          },
          fix: {
            type: 'string',
            description: 'How to lift it: what to change, or the command that opts out.',
          },
        },
        required: ['rule', 'container', 'field', 'value', 'denied', 'fix'],
      },
      RefusedField: {
        description: 'A field that a control refuses.',
        type: 'object',
        properties: {
          field: { type: 'string', description: "From the pod, in Kubernetes' field notation." },
          container: {
            description: "The container's name, where the field is a container's.",
            type: 'string',
          },
          value: { description: 'What stands there; absent where the field is unset and ought to be set.' },
        },
        required: ['field'],
      },
      PodSecurityBlocker: {
        description: 'A control of the Pod Security Standards that the pod fails.',
        type: 'object',
        properties: {
          control: {
            type: 'string',
            description:
              "The control's id in kubernetes/pod-security-admission, such as capabilities_restricted.",
          },
          level: {
            type: 'string',
            enum: ['baseline', 'restricted'],
            description: 'The lowest level that asks for it.',
          },
          message: {
            type: 'string',
            description:
              "What is refused, word for word as the API server's own Pod Security admission says it.",
          },
          fields: {
            description: 'Every field that has to change; at least one.',
            type: 'array',
            items: { $ref: '#/components/schemas/RefusedField' },
          },
        },
        required: ['control', 'level', 'message', 'fields'],
      },
      PreviewPodSecurity: {
        description: 'The level of the Pod Security Standards that the pod reaches.',
        type: 'object',
        properties: {
          version: {
            type: 'string',
            description:
              'The version of the standards by which it was judged, such as v1.36: the minor of Kubernetes.',
          },
          before: {
            description: 'The level of the pod as it was sent.',
            $ref: '#/components/schemas/PodSecurityLevel',
          },
          after: {
            description: 'The level of the hardened pod.',
            $ref: '#/components/schemas/PodSecurityLevel',
          },
          blockers: {
            description: 'What keeps the hardened pod from the next level; empty where it is restricted.',
            type: 'array',
            items: { $ref: '#/components/schemas/PodSecurityBlocker' },
          },
        },
        required: ['version', 'before', 'after', 'blockers'],
      },
      PreviewResult: {
        description: 'What hardening does to one object.',
        type: 'object',
        properties: {
          source: {
            type: 'string',
            description:
              'Where the object stands: "document" and its number in the stream, from 0, empty ones not counted; of a List\'s item with its place, as "document 0 items[2]".',
          },
          apiVersion: { type: 'string', description: "The object's apiVersion." },
          kind: { type: 'string', description: "The object's kind." },
          namespace: {
            type: 'string',
            description:
              "The namespace that it goes to: its own, else the query's, else default. Empty for what lies in none.",
          },
          name: { type: 'string', description: "The object's name, else its generateName, else empty." },
          policy: { type: 'string', description: 'The name of the HardeningPolicy that applies.' },
          mode: { $ref: '#/components/schemas/Mode' },
          outcome: { $ref: '#/components/schemas/Outcome' },
          because: {
            description: 'Why the object was ignored, in one phrase; null where it was not.',
            type: ['string', 'null'],
          },
          message: {
            description: 'The refusal, as kubectl shows it; null where the object was not denied.',
            type: ['string', 'null'],
          },
          patch: {
            description:
              'Exactly what /mutate would return: empty for a template under templates: Warn, and in mode audit.',
            type: 'array',
            items: { $ref: '#/components/schemas/PatchOperation' },
          },
          changes: {
            description:
              'What hardening writes into the pod that will run; for a template too, in mode audit, and where the object is denied.',
            type: 'array',
            items: { $ref: '#/components/schemas/PreviewChange' },
          },
          containers: {
            description:
              'The containers that hardening looks at, init containers first; empty for a kind that has no pod.',
            type: 'array',
            items: { $ref: '#/components/schemas/PreviewContainer' },
          },
          skips: {
            description: 'What rules left alone.',
            type: 'array',
            items: { $ref: '#/components/schemas/PreviewSkip' },
          },
          violations: {
            description: 'Values that are weaker than a rule asks, and stay.',
            type: 'array',
            items: { $ref: '#/components/schemas/PreviewViolation' },
          },
          warnings: {
            description: 'What kubectl would show: at most 120 characters each.',
            type: 'array',
            items: { type: 'string' },
          },
          podSecurity: {
            anyOf: [{ $ref: '#/components/schemas/PreviewPodSecurity' }, { type: 'null' }],
            description: 'The level that the pod reaches; null for a kind that has no pod.',
          },
          hardened: {
            anyOf: [{ type: 'object', properties: {}, additionalProperties: {} }, { type: 'null' }],
            description:
              'The Pod that will run, without what the cluster adds to it; null for a kind that has no pod.',
          },
        },
        required: [
          'source',
          'apiVersion',
          'kind',
          'namespace',
          'name',
          'policy',
          'mode',
          'outcome',
          'because',
          'message',
          'patch',
          'changes',
          'containers',
          'skips',
          'violations',
          'warnings',
          'podSecurity',
          'hardened',
        ],
      },
      AnnotatedResult: {
        description:
          "What hardening does to one object, without the hardened pod, its changes by their places in the answer's list.",
        type: 'object',
        properties: {
          source: {
            type: 'string',
            description:
              'Where the object stands: "document" and its number in the stream, from 0, empty ones not counted; of a List\'s item with its place, as "document 0 items[2]".',
          },
          apiVersion: { type: 'string', description: "The object's apiVersion." },
          kind: { type: 'string', description: "The object's kind." },
          namespace: {
            type: 'string',
            description:
              "The namespace that it goes to: its own, else the query's, else default. Empty for what lies in none.",
          },
          name: { type: 'string', description: "The object's name, else its generateName, else empty." },
          policy: { type: 'string', description: 'The name of the HardeningPolicy that applies.' },
          mode: { $ref: '#/components/schemas/Mode' },
          outcome: { $ref: '#/components/schemas/Outcome' },
          because: {
            description: 'Why the object was ignored, in one phrase; null where it was not.',
            type: ['string', 'null'],
          },
          message: {
            description: 'The refusal, as kubectl shows it; null where the object was not denied.',
            type: ['string', 'null'],
          },
          patch: {
            description:
              'Exactly what /mutate would return: empty for a template under templates: Warn, and in mode audit.',
            type: 'array',
            items: { $ref: '#/components/schemas/PatchOperation' },
          },
          changes: {
            description:
              "What is set, changed or taken out, in the order of the rules: indexes in the answer's changes, from 0.",
            type: 'array',
            items: { type: 'integer', minimum: 0, maximum: 9007199254740991 },
          },
          containers: {
            description:
              'The containers that hardening looks at, init containers first; empty for a kind that has no pod.',
            type: 'array',
            items: { $ref: '#/components/schemas/PreviewContainer' },
          },
          skips: {
            description: 'What rules left alone.',
            type: 'array',
            items: { $ref: '#/components/schemas/PreviewSkip' },
          },
          violations: {
            description: 'Values that are weaker than a rule asks, and stay.',
            type: 'array',
            items: { $ref: '#/components/schemas/PreviewViolation' },
          },
          warnings: {
            description: 'What kubectl would show: at most 120 characters each.',
            type: 'array',
            items: { type: 'string' },
          },
          podSecurity: {
            anyOf: [{ $ref: '#/components/schemas/PreviewPodSecurity' }, { type: 'null' }],
            description: 'The level that the pod reaches; null for a kind that has no pod.',
          },
        },
        required: [
          'source',
          'apiVersion',
          'kind',
          'namespace',
          'name',
          'policy',
          'mode',
          'outcome',
          'because',
          'message',
          'patch',
          'changes',
          'containers',
          'skips',
          'violations',
          'warnings',
          'podSecurity',
        ],
      },
      PreviewAnswer: {
        description: 'What hardening does to each object that was sent.',
        type: 'object',
        properties: {
          results: {
            description: 'One for each object, in the order in which they were sent.',
            type: 'array',
            items: { $ref: '#/components/schemas/PreviewResult' },
          },
        },
        required: ['results'],
      },
      AnnotatedLine: {
        description: 'A line of the hardened text that differs from the input.',
        type: 'object',
        properties: {
          line: {
            type: 'integer',
            minimum: 1,
            maximum: 9007199254740991,
            description: 'Its number in text, from 1.',
          },
          original: {
            type: 'integer',
            minimum: 0,
            maximum: 9007199254740991,
            description:
              'The line of the input that it replaces, or after which it comes, from 1; 0: before the first.',
          },
          result: {
            type: 'integer',
            minimum: 0,
            maximum: 9007199254740991,
            description: 'The object that it belongs to: its index in results, from 0.',
          },
          changes: {
            description:
              "Which of that result's changes wrote it: their places in its list, from 0. A line that opens a new map belongs to all changes beneath it.",
            type: 'array',
            items: { type: 'integer', minimum: 0, maximum: 9007199254740991 },
          },
        },
        required: ['line', 'original', 'result', 'changes'],
      },
      AnnotatedPreview: {
        description: 'The hardened manifests, each changed line tied to the change that wrote it.',
        type: 'object',
        properties: {
          text: {
            type: 'string',
            description:
              'The hardened manifests whole, as application/yaml gives them without leading comments.',
          },
          lines: {
            description:
              'Every line of text that differs from the input, ascending; one that changes of several objects wrote is there once for each of them.',
            type: 'array',
            items: { $ref: '#/components/schemas/AnnotatedLine' },
          },
          changes: {
            description: 'What is done to the objects, each change once.',
            type: 'array',
            items: { $ref: '#/components/schemas/PreviewChange' },
          },
          results: {
            description: 'One for each object, in the order in which they were sent.',
            type: 'array',
            items: { $ref: '#/components/schemas/AnnotatedResult' },
          },
          notes: {
            description:
              'What the lines cannot show: the mode, why nothing happens, violations, wrong labels and exceptions.',
            type: 'array',
            items: { type: 'string' },
          },
        },
        required: ['text', 'lines', 'changes', 'results', 'notes'],
      },
      Control: {
        description: 'A control of the Pod Security Standards.',
        type: 'object',
        properties: {
          level: {
            type: 'string',
            enum: ['baseline', 'restricted'],
            description: 'The lowest level that asks for it.',
          },
          name: { type: 'string', description: "The control's id in kubernetes/pod-security-admission." },
        },
        required: ['level', 'name'],
      },
      Rule: {
        description: 'A hardening rule, from its own metadata.',
        type: 'object',
        properties: {
          id: { $ref: '#/components/schemas/RuleId' },
          title: { type: 'string', description: 'One line: what the rule is for.' },
          reason: {
            type: 'string',
            description: 'Why the field should have this value, in one or two sentences.',
          },
          risk: { $ref: '#/components/schemas/Risk' },
          control: {
            anyOf: [{ $ref: '#/components/schemas/Control' }, { type: 'null' }],
            description:
              'The Pod Security Standards control that the rule serves; null where it serves none.',
          },
          os: {
            type: 'string',
            enum: ['any', 'linux'],
            description: 'The operating systems of the pods that it governs.',
          },
          actions: {
            description: 'What a policy may ask of the rule.',
            type: 'array',
            items: { type: 'string', enum: ['Default', 'Override', 'Warn', 'Deny', 'Disabled'] },
          },
          refused: {
            description: 'Why each of the other actions is refused when a policy loads.',
            type: 'object',
            propertyNames: { type: 'string', enum: ['Default', 'Override', 'Warn', 'Deny', 'Disabled'] },
            additionalProperties: { type: 'string' },
          },
          sets: {
            description: 'What the rule writes, in a phrase for each action.',
            type: 'object',
            properties: {
              Default: { type: 'string', description: 'What the action Default sets.' },
              Override: { type: 'string', description: 'What the action Override also replaces.' },
            },
            required: ['Default', 'Override'],
          },
          fields: {
            description:
              'Every field that it may write, from the pod, in field notation; [*] stands for each item of a list.',
            type: 'array',
            items: { type: 'string' },
          },
        },
        required: ['id', 'title', 'reason', 'risk', 'control', 'os', 'actions', 'refused', 'sets', 'fields'],
      },
      RulesAnswer: {
        description: 'The rule catalogue.',
        type: 'object',
        properties: {
          rules: {
            description: 'Every rule, in the order in which rules are listed everywhere.',
            minItems: 21,
            maxItems: 21,
            type: 'array',
            items: { $ref: '#/components/schemas/Rule' },
          },
        },
        required: ['rules'],
      },
      ProblemIssue: {
        description: 'One fault in what was sent.',
        type: 'object',
        properties: {
          source: {
            description: 'The document, as "document 0"; "the input" where it cannot be taken apart.',
            type: 'string',
          },
          document: {
            description: 'Which document of the stream, from 0; empty ones are not counted.',
            type: 'integer',
            minimum: 0,
            maximum: 9007199254740991,
          },
          line: {
            description: 'The line of the field, or of the deepest part of it that is there, from 1.',
            type: 'integer',
            minimum: 1,
            maximum: 9007199254740991,
          },
          column: {
            description: 'The column in that line, in characters from 1.',
            type: 'integer',
            minimum: 1,
            maximum: 9007199254740991,
          },
          field: {
            description: "In Kubernetes' field notation, from the document: spec.containers[0].image.",
            type: 'string',
          },
          message: { type: 'string', description: 'What is wrong there, and what to write instead.' },
        },
        required: ['message'],
      },
      Problem: {
        description: 'A problem document (RFC 9457).',
        type: 'object',
        properties: {
          type: {
            type: 'string',
            description: 'A URI that names the kind of problem; about:blank where the status says it all.',
          },
          title: { type: 'string', description: 'The kind of problem in a few words.' },
          status: {
            type: 'integer',
            minimum: 400,
            maximum: 599,
            description: 'The HTTP status of the answer.',
          },
          detail: { type: 'string', description: 'What is wrong with this request, and what to do.' },
          instance: { description: 'A URI that names this occurrence.', type: 'string' },
          errors: {
            description: 'Everything that is wrong with what was sent, each with its place.',
            type: 'array',
            items: { $ref: '#/components/schemas/ProblemIssue' },
          },
        },
        required: ['type', 'title', 'status', 'detail'],
      },
      Policy: {
        type: 'object',
        description: 'A HardeningPolicy that has loaded, every default filled in.',
        properties: {
          name: {
            type: 'string',
            pattern: '^[a-z0-9](?:[-a-z0-9.]{0,61}[a-z0-9])?$',
            description: "The policy's name.",
          },
          warnings: {
            default: 'Summary',
            description:
              'What kubectl shows. Summary: one line an object for what was changed, one for what is violated. Full: one line a rule (always in audit mode). None: nothing.',
            type: 'string',
            enum: ['Summary', 'Full', 'None'],
          },
          templates: {
            default: 'Warn',
            description:
              'Pod templates of Deployment, StatefulSet and so on. Warn: say what their pods will get. Mutate: harden them. Ignore: neither. Pods are always handled.',
            type: 'string',
            enum: ['Warn', 'Mutate', 'Ignore'],
          },
          unknownImages: {
            default: 'Harden',
            description:
              'An image without a profile gets every rule (Harden), or only those of low risk, the rest being reported as UnknownImage (Safe).',
            type: 'string',
            enum: ['Harden', 'Safe'],
          },
          imageProfiles: {
            default: [],
            description:
              'What is known of images, so that hardening does not break them; these win over the built-in ones.',
            maxItems: 500,
            type: 'array',
            items: {
              type: 'object',
              properties: {
                images: {
                  minItems: 1,
                  type: 'array',
                  items: { type: 'string', pattern: '^\\S+$' },
                  description:
                    'Repositories, normalised (docker.io/library/nginx); a tag or digest may follow, and globs are allowed. needs and startsAsRoot hold only for repositories that are named without a glob.',
                },
                runAsUser: {
                  type: 'integer',
                  minimum: 1,
                  maximum: 2147483647,
                  description: "The uid with which the image works, instead of the policy's.",
                },
                runAsGroup: {
                  type: 'integer',
                  minimum: 1,
                  maximum: 2147483647,
                  description: 'The gid with which it works; the same as runAsUser unless given.',
                },
                writablePaths: {
                  maxItems: 64,
                  type: 'array',
                  items: { type: 'string', maxLength: 512 },
                  description: "Directories that it writes to, beside the policy's.",
                },
                dataPaths: {
                  maxItems: 16,
                  type: 'array',
                  items: { type: 'string', maxLength: 512 },
                  description:
                    'Directories in which the image keeps data, such as its VOLUMEs: no emptyDir is put at, above or below one.',
                },
                sizeLimit: {
                  description: "The emptyDirs' sizeLimit for this image, instead of the policy's.",
                  type: 'string',
                },
                ports: {
                  description: 'Ports on which it listens, declared in the manifest or not.',
                  type: 'array',
                  items: { type: 'integer', minimum: 1, maximum: 65535 },
                },
                startsAsRoot: {
                  description: 'What its entrypoint needs while it drops its privileges by itself.',
                  type: 'object',
                  properties: {
                    capabilities: {
                      type: 'array',
                      items: {
                        type: 'string',
                        enum: [
                          'AUDIT_WRITE',
                          'CHOWN',
                          'DAC_OVERRIDE',
                          'FOWNER',
                          'FSETID',
                          'KILL',
                          'MKNOD',
                          'NET_BIND_SERVICE',
                          'SETFCAP',
                          'SETGID',
                          'SETPCAP',
                          'SETUID',
                          'SYS_CHROOT',
                        ],
                      },
                      description: 'Given back beside drop ALL where this image must start as root.',
                    },
                    volumes: {
                      maxItems: 16,
                      type: 'array',
                      items: { type: 'string', maxLength: 512 },
                      description:
                        'Directories of its data: where a volume that outlives the pod is mounted at one of them it keeps root, unless runAsUser.existingVolumes is Set. For programs that change the mode of their directory, which only its owner may do, or that refuse data to which fsGroup has given access.',
                    },
                    volumeVariable: {
                      description:
                        'An environment variable with which the directory is chosen (PGDATA): where the container gives it a value, that counts instead of volumes.',
                      type: 'string',
                      pattern: '^[A-Za-z_][A-Za-z0-9_]*$',
                    },
                  },
                  required: ['capabilities'],
                },
                needs: {
                  description:
                    'Capabilities that the binary itself carries, added beside drop ALL; or allowPrivilegeEscalation, writableRoot, unconfinedSeccomp: that rule is skipped, with code ImageNeeds.',
                  type: 'array',
                  items: {
                    type: 'string',
                    enum: [
                      'allowPrivilegeEscalation',
                      'writableRoot',
                      'unconfinedSeccomp',
                      'AUDIT_WRITE',
                      'CHOWN',
                      'DAC_OVERRIDE',
                      'FOWNER',
                      'FSETID',
                      'KILL',
                      'MKNOD',
                      'NET_BIND_SERVICE',
                      'SETFCAP',
                      'SETGID',
                      'SETPCAP',
                      'SETUID',
                      'SYS_CHROOT',
                    ],
                  },
                },
              },
              required: ['images'],
            },
          },
          exceptions: {
            default: [],
            description: 'Rule by container, nothing more; each with its reason.',
            maxItems: 1000,
            type: 'array',
            items: {
              type: 'object',
              properties: {
                name: {
                  type: 'string',
                  minLength: 1,
                  maxLength: 63,
                  description: 'Named wherever the exception applies, and when it has expired.',
                },
                reason: {
                  type: 'string',
                  maxLength: 4096,
                  description: 'Why, for those who audit: required.',
                },
                expires: {
                  description:
                    'YYYY-MM-DD: valid through that day, UTC. Then it no longer applies and is reported.',
                  type: 'string',
                },
                match: {
                  type: 'object',
                  properties: {
                    namespaces: {
                      minItems: 1,
                      maxItems: 100,
                      type: 'array',
                      items: { type: 'string' },
                      description:
                        "Names or globs, none of wildcards alone: a pod's author chooses all the rest.",
                    },
                    podLabels: {
                      description: 'Labels that the pod has; values may be globs.',
                      type: 'object',
                      propertyNames: { type: 'string' },
                      additionalProperties: { type: 'string' },
                    },
                    containers: {
                      minItems: 1,
                      type: 'array',
                      items: { type: 'string', minLength: 1 },
                      description: 'Names or globs of containers.',
                    },
                    images: {
                      minItems: 1,
                      type: 'array',
                      items: { type: 'string', minLength: 1 },
                      description: 'Globs of images.',
                    },
                    serviceAccounts: {
                      minItems: 1,
                      type: 'array',
                      items: { type: 'string', minLength: 1 },
                      description: 'Names or globs of service accounts.',
                    },
                  },
                  required: ['namespaces'],
                  description: 'Where it holds. All that is given must match.',
                },
                rules: {
                  minItems: 1,
                  type: 'array',
                  items: {
                    type: 'string',
                    enum: [
                      'privileged',
                      'runAsNonRoot',
                      'runAsUser',
                      'capabilities',
                      'allowPrivilegeEscalation',
                      'readOnlyRootFilesystem',
                      'seccompProfile',
                      'resources',
                      'hostNamespaces',
                      'hostPath',
                      'runtimeSocket',
                      'sshd',
                      'automountServiceAccountToken',
                      'scheduling',
                      'unprivilegedPorts',
                      'procMount',
                      'appArmorProfile',
                      'hostUsers',
                      'enableServiceLinks',
                      'imagePullPolicy',
                      'supplementalGroupsPolicy',
                    ],
                  },
                  description: 'The ids of the rules that it lifts.',
                },
              },
              required: ['name', 'reason', 'match', 'rules'],
            },
          },
          rules: {
            type: 'object',
            description:
              'What each rule does. A rule or setting that is not given is as in the built-in policy default.',
            properties: {
              privileged: {
                type: 'object',
                description:
                  'Containers are not privileged. A privileged container has every capability and every device of its node: it is root on the node. Default sets nothing, for unset means false; an explicit `true` is reported. Override also replaces `privileged: false`. Risk of breaking a program that runs today: high. Pod Security Standards: privileged of level baseline.',
                properties: {
                  action: {
                    default: 'Warn',
                    description:
                      'Default sets the field where it is unset; Override also replaces a weaker value; Warn only reports; Deny refuses the object; Disabled does not run. Not given: as in the built-in policy default.',
                    type: 'string',
                    enum: ['Default', 'Override', 'Warn', 'Deny', 'Disabled'],
                  },
                  optOut: {
                    default: 'Allowed',
                    description:
                      'Whether a namespace may weaken the rule by its label kube-harden.io/privileged (disabled or warn).',
                    type: 'string',
                    enum: ['Allowed', 'Forbidden'],
                  },
                  settings: {
                    type: 'object',
                    description: "The rule's settings, every default filled in; empty where it has none.",
                    properties: {},
                    required: [],
                  },
                },
                required: ['action', 'optOut', 'settings'],
              },
              runAsNonRoot: {
                type: 'object',
                description:
                  'Containers declare that they are not root. The kubelet then refuses to start the container as root, whatever its image says. Default sets `true` on the pod where it has a uid that is not root, else on each container that has one. Override also replaces explicit `false`. Risk of breaking a program that runs today: medium. Pod Security Standards: runAsNonRoot of level restricted.',
                properties: {
                  action: {
                    default: 'Default',
                    description:
                      'Default sets the field where it is unset; Override also replaces a weaker value; Warn only reports; Deny refuses the object; Disabled does not run. Not given: as in the built-in policy default.',
                    type: 'string',
                    enum: ['Default', 'Override', 'Warn', 'Deny', 'Disabled'],
                  },
                  optOut: {
                    default: 'Allowed',
                    description:
                      'Whether a namespace may weaken the rule by its label kube-harden.io/runAsNonRoot (disabled or warn).',
                    type: 'string',
                    enum: ['Allowed', 'Forbidden'],
                  },
                  settings: {
                    type: 'object',
                    description: "The rule's settings, every default filled in; empty where it has none.",
                    properties: {},
                    required: [],
                  },
                },
                required: ['action', 'optOut', 'settings'],
              },
              runAsUser: {
                type: 'object',
                description:
                  'Containers run as a user that is not root. Root in a container is root on the node once it gets out, and owns every file of the image. Default sets a uid, and with it gid and fsGroup, where they are unset; the uid of the image profile before that of the policy. Override also replaces uid 0. Risk of breaking a program that runs today: high. Pod Security Standards: runAsUser of level restricted.',
                properties: {
                  action: {
                    default: 'Default',
                    description:
                      'Default sets the field where it is unset; Override also replaces a weaker value; Warn only reports; Deny refuses the object; Disabled does not run. Not given: as in the built-in policy default.',
                    type: 'string',
                    enum: ['Default', 'Override', 'Warn', 'Deny', 'Disabled'],
                  },
                  optOut: {
                    default: 'Allowed',
                    description:
                      'Whether a namespace may weaken the rule by its label kube-harden.io/runAsUser (disabled or warn).',
                    type: 'string',
                    enum: ['Allowed', 'Forbidden'],
                  },
                  settings: {
                    type: 'object',
                    description: "The rule's settings, every default filled in; empty where it has none.",
                    properties: {
                      strategy: {
                        default: 'Fixed',
                        description:
                          "Where the uid comes from. Fixed: from value, group and fsGroup. NamespaceRange: the first uid of the namespace's annotation kube-harden.io/uid-range, for uid, gid and fsGroup alike; a missing or malformed annotation means Fixed, with a warning.",
                        type: 'string',
                        enum: ['Fixed', 'NamespaceRange'],
                      },
                      value: {
                        default: 65532,
                        type: 'integer',
                        minimum: 1,
                        maximum: 2147483647,
                        description:
                          'The uid that is set where an image has no profile. 0 is refused: it is root.',
                      },
                      group: {
                        default: 65532,
                        type: 'integer',
                        minimum: 1,
                        maximum: 2147483647,
                        description:
                          'The gid that comes with the uid. Without one a process gets the gid of its image, or 0; so 0 is refused here.',
                      },
                      fsGroup: {
                        default: 65532,
                        type: 'integer',
                        minimum: 1,
                        maximum: 2147483647,
                        description:
                          "The pod's fsGroup, set only when the uid of every container comes from this rule: it changes modes of existing files.",
                      },
                      whenNonRootDeclared: {
                        default: 'Keep',
                        description:
                          "A container that declares runAsNonRoot: true and no uid relies on its image's own user. Keep: leave it that user. Set: give it this uid too.",
                        type: 'string',
                        enum: ['Keep', 'Set'],
                      },
                      existingVolumes: {
                        default: 'Keep',
                        description:
                          'A container whose image has no profile and that mounts, writable, a volume that outlives the pod. Keep: leave its user, a foreign uid cannot read the data that is there. Set: give it this uid too.',
                        type: 'string',
                        enum: ['Keep', 'Set'],
                      },
                    },
                    required: [
                      'strategy',
                      'value',
                      'group',
                      'fsGroup',
                      'whenNonRootDeclared',
                      'existingVolumes',
                    ],
                  },
                },
                required: ['action', 'optOut', 'settings'],
              },
              capabilities: {
                type: 'object',
                description:
                  'Containers drop all capabilities. Capabilities are pieces of root; a program that does not start as root has no use for any. Default sets `drop: [ALL]`; for a container that starts as root, only where its image profile says what to give back. Override also replaces `add` outside `allowedAdd`; and `drop: [ALL]` for containers that start as root. Risk of breaking a program that runs today: medium. Pod Security Standards: capabilities_restricted of level restricted.',
                properties: {
                  action: {
                    default: 'Default',
                    description:
                      'Default sets the field where it is unset; Override also replaces a weaker value; Warn only reports; Deny refuses the object; Disabled does not run. Not given: as in the built-in policy default.',
                    type: 'string',
                    enum: ['Default', 'Override', 'Warn', 'Deny', 'Disabled'],
                  },
                  optOut: {
                    default: 'Allowed',
                    description:
                      'Whether a namespace may weaken the rule by its label kube-harden.io/capabilities (disabled or warn).',
                    type: 'string',
                    enum: ['Allowed', 'Forbidden'],
                  },
                  settings: {
                    type: 'object',
                    description: "The rule's settings, every default filled in; empty where it has none.",
                    properties: {
                      drop: {
                        default: ['ALL'],
                        description:
                          'What is dropped: exactly [ALL], the only list that Pod Security restricted accepts.',
                        minItems: 1,
                        maxItems: 1,
                        type: 'array',
                        items: { type: 'string', const: 'ALL' },
                      },
                      allowedAdd: {
                        default: ['NET_BIND_SERVICE'],
                        description:
                          'Capabilities that a container may add, in upper case without CAP_. Any other is a violation, and Override removes it.',
                        maxItems: 64,
                        type: 'array',
                        items: { type: 'string', maxLength: 63 },
                      },
                    },
                    required: ['drop', 'allowedAdd'],
                  },
                },
                required: ['action', 'optOut', 'settings'],
              },
              allowPrivilegeEscalation: {
                type: 'object',
                description:
                  'Containers cannot gain privileges. Without it a set-uid program in the image, or one brought in, makes root of any user. Default sets `false`. Override also replaces explicit `true`. Risk of breaking a program that runs today: low. Pod Security Standards: allowPrivilegeEscalation of level restricted.',
                properties: {
                  action: {
                    default: 'Default',
                    description:
                      'Default sets the field where it is unset; Override also replaces a weaker value; Warn only reports; Deny refuses the object; Disabled does not run. Not given: as in the built-in policy default.',
                    type: 'string',
                    enum: ['Default', 'Override', 'Warn', 'Deny', 'Disabled'],
                  },
                  optOut: {
                    default: 'Allowed',
                    description:
                      'Whether a namespace may weaken the rule by its label kube-harden.io/allowPrivilegeEscalation (disabled or warn).',
                    type: 'string',
                    enum: ['Allowed', 'Forbidden'],
                  },
                  settings: {
                    type: 'object',
                    description: "The rule's settings, every default filled in; empty where it has none.",
                    properties: {},
                    required: [],
                  },
                },
                required: ['action', 'optOut', 'settings'],
              },
              readOnlyRootFilesystem: {
                type: 'object',
                description:
                  'The root file system is read-only. An intruder cannot change the program, leave a tool behind, or fill the node through the image. Default sets `true`, and an emptyDir at each writable path that nothing is mounted at or above. Override also replaces explicit `false`. Risk of breaking a program that runs today: high.',
                properties: {
                  action: {
                    default: 'Default',
                    description:
                      'Default sets the field where it is unset; Override also replaces a weaker value; Warn only reports; Deny refuses the object; Disabled does not run. Not given: as in the built-in policy default.',
                    type: 'string',
                    enum: ['Default', 'Override', 'Warn', 'Deny', 'Disabled'],
                  },
                  optOut: {
                    default: 'Allowed',
                    description:
                      'Whether a namespace may weaken the rule by its label kube-harden.io/readOnlyRootFilesystem (disabled or warn).',
                    type: 'string',
                    enum: ['Allowed', 'Forbidden'],
                  },
                  settings: {
                    type: 'object',
                    description: "The rule's settings, every default filled in; empty where it has none.",
                    properties: {
                      writablePaths: {
                        default: ['/tmp'],
                        maxItems: 64,
                        type: 'array',
                        items: { type: 'string', maxLength: 512 },
                        description:
                          'Directories that stay writable in every container: each gets an emptyDir of its own, unless something is mounted there or above. Absolute, without a trailing /.',
                      },
                      sizeLimit: {
                        default: '1Gi',
                        description:
                          "Each emptyDir's sizeLimit. A pod that writes more is evicted whole, so the default is generous.",
                        type: 'string',
                      },
                    },
                    required: ['writablePaths', 'sizeLimit'],
                  },
                },
                required: ['action', 'optOut', 'settings'],
              },
              seccompProfile: {
                type: 'object',
                description:
                  'System calls are confined by the RuntimeDefault seccomp profile. It forbids some 60 system calls that programs do not need and kernel exploits do. Default sets `RuntimeDefault` on the pod, or on each container where one is left out. Override also replaces `Unconfined`, and the conflicting legacy annotation with it. Risk of breaking a program that runs today: low. Pod Security Standards: seccompProfile_restricted of level restricted.',
                properties: {
                  action: {
                    default: 'Default',
                    description:
                      'Default sets the field where it is unset; Override also replaces a weaker value; Warn only reports; Deny refuses the object; Disabled does not run. Not given: as in the built-in policy default.',
                    type: 'string',
                    enum: ['Default', 'Override', 'Warn', 'Deny', 'Disabled'],
                  },
                  optOut: {
                    default: 'Allowed',
                    description:
                      'Whether a namespace may weaken the rule by its label kube-harden.io/seccompProfile (disabled or warn).',
                    type: 'string',
                    enum: ['Allowed', 'Forbidden'],
                  },
                  settings: {
                    type: 'object',
                    description: "The rule's settings, every default filled in; empty where it has none.",
                    properties: {
                      type: {
                        default: 'RuntimeDefault',
                        description: "The profile that is set: the container runtime's own.",
                        type: 'string',
                        enum: ['RuntimeDefault'],
                      },
                    },
                    required: ['type'],
                  },
                },
                required: ['action', 'optOut', 'settings'],
              },
              resources: {
                type: 'object',
                description:
                  'Containers have resource requests and limits. Without a limit one container can take all memory and CPU of its node; without a request the scheduler cannot know. Default sets requests and limits that are missing. Override as Default. Risk of breaking a program that runs today: medium.',
                properties: {
                  action: {
                    default: 'Default',
                    description:
                      'Default sets the field where it is unset; Override also replaces a weaker value; Warn only reports; Deny refuses the object; Disabled does not run. Not given: as in the built-in policy default.',
                    type: 'string',
                    enum: ['Default', 'Override', 'Warn', 'Deny', 'Disabled'],
                  },
                  optOut: {
                    default: 'Allowed',
                    description:
                      'Whether a namespace may weaken the rule by its label kube-harden.io/resources (disabled or warn).',
                    type: 'string',
                    enum: ['Allowed', 'Forbidden'],
                  },
                  settings: {
                    type: 'object',
                    description: "The rule's settings, every default filled in; empty where it has none.",
                    properties: {
                      requests: {
                        default: { cpu: '100m', memory: '128Mi' },
                        description:
                          'Requests for a container that has none. Given, it replaces the whole default: what it does not name is not set, and {} sets none.',
                        type: 'object',
                        properties: {
                          cpu: { description: 'CPU, in cores: 100m, 0.5, 2.', type: 'string' },
                          memory: { description: 'Memory, in bytes: 128Mi, 1Gi.', type: 'string' },
                          'ephemeral-storage': {
                            description: 'Local disk for logs, emptyDirs and the writable layer, in bytes.',
                            type: 'string',
                          },
                        },
                      },
                      limits: {
                        default: { cpu: '1', memory: '512Mi' },
                        description:
                          'Limits for a container that has none. Given, it replaces the whole default: what it does not name is not set, and {} sets none.',
                        type: 'object',
                        properties: {
                          cpu: { description: 'CPU, in cores: 100m, 0.5, 2.', type: 'string' },
                          memory: { description: 'Memory, in bytes: 128Mi, 1Gi.', type: 'string' },
                          'ephemeral-storage': {
                            description: 'Local disk for logs, emptyDirs and the writable layer, in bytes.',
                            type: 'string',
                          },
                        },
                      },
                    },
                    required: ['requests', 'limits'],
                  },
                },
                required: ['action', 'optOut', 'settings'],
              },
              hostNamespaces: {
                type: 'object',
                description:
                  "Pods stay out of the host's network, PID, IPC and UTS namespaces. In the host's namespaces a pod reaches the node's own services, sees and signals its processes, reads its memory. Default sets nothing, for unset means false; an explicit `true` is reported. Override also replaces hostNetwork, hostPID, hostIPC `false`; with hostNetwork go the hostPorts that the API server had set because of it, and windowsOptions.hostProcess, which needs it. Risk of breaking a program that runs today: high. Pod Security Standards: hostNamespaces of level baseline.",
                properties: {
                  action: {
                    default: 'Warn',
                    description:
                      'Default sets the field where it is unset; Override also replaces a weaker value; Warn only reports; Deny refuses the object; Disabled does not run. Not given: as in the built-in policy default.',
                    type: 'string',
                    enum: ['Default', 'Override', 'Warn', 'Deny', 'Disabled'],
                  },
                  optOut: {
                    default: 'Allowed',
                    description:
                      'Whether a namespace may weaken the rule by its label kube-harden.io/hostNamespaces (disabled or warn).',
                    type: 'string',
                    enum: ['Allowed', 'Forbidden'],
                  },
                  settings: {
                    type: 'object',
                    description: "The rule's settings, every default filled in; empty where it has none.",
                    properties: {},
                    required: [],
                  },
                },
                required: ['action', 'optOut', 'settings'],
              },
              hostPath: {
                type: 'object',
                description:
                  "No sensitive host directories are mounted. What a container can write in the node's system directories, it can run on the node as root. Default sets nothing; every mount of such a directory is reported. Override also replaces the mounts become `readOnly: true`. Risk of breaking a program that runs today: high. Pod Security Standards: hostPathVolumes of level baseline.",
                properties: {
                  action: {
                    default: 'Warn',
                    description:
                      'Default sets the field where it is unset; Override also replaces a weaker value; Warn only reports; Deny refuses the object; Disabled does not run. Not given: as in the built-in policy default.',
                    type: 'string',
                    enum: ['Default', 'Override', 'Warn', 'Deny', 'Disabled'],
                  },
                  optOut: {
                    default: 'Allowed',
                    description:
                      'Whether a namespace may weaken the rule by its label kube-harden.io/hostPath (disabled or warn).',
                    type: 'string',
                    enum: ['Allowed', 'Forbidden'],
                  },
                  settings: {
                    type: 'object',
                    description: "The rule's settings, every default filled in; empty where it has none.",
                    properties: {
                      paths: {
                        default: ['/', '/boot', '/dev', '/etc', '/lib', '/proc', '/sys', '/usr'],
                        description:
                          'Sensitive directories of the node, with all that is below them; / means exactly /.',
                        maxItems: 256,
                        type: 'array',
                        items: {
                          type: 'string',
                          maxLength: 512,
                          description: 'An absolute path on the node.',
                        },
                      },
                      allowed: {
                        default: [{ path: '/etc/localtime', readOnly: true }],
                        description: 'Paths that are no violation although they are in paths.',
                        maxItems: 256,
                        type: 'array',
                        items: {
                          type: 'object',
                          properties: {
                            path: {
                              type: 'string',
                              maxLength: 512,
                              description: 'Exactly this path on the node.',
                            },
                            readOnly: {
                              default: true,
                              description:
                                'true: only mounts that are readOnly are allowed. false: writable ones too.',
                              type: 'boolean',
                            },
                          },
                          required: ['path', 'readOnly'],
                        },
                      },
                    },
                    required: ['paths', 'allowed'],
                  },
                },
                required: ['action', 'optOut', 'settings'],
              },
              runtimeSocket: {
                type: 'object',
                description:
                  "No container runtime socket is mounted. Whoever can write to the runtime's socket can start a privileged container: it is root on the node. Default sets nothing; every mount of a socket, or of a directory above one, is reported. Override is refused, a read-only mount of a socket still gives it away; use Deny. Risk of breaking a program that runs today: high. Pod Security Standards: hostPathVolumes of level baseline.",
                properties: {
                  action: {
                    default: 'Warn',
                    description:
                      'Default sets the field where it is unset; Override also replaces a weaker value; Warn only reports; Deny refuses the object; Disabled does not run. Not given: as in the built-in policy default.',
                    type: 'string',
                    enum: ['Default', 'Warn', 'Deny', 'Disabled'],
                  },
                  optOut: {
                    default: 'Allowed',
                    description:
                      'Whether a namespace may weaken the rule by its label kube-harden.io/runtimeSocket (disabled or warn).',
                    type: 'string',
                    enum: ['Allowed', 'Forbidden'],
                  },
                  settings: {
                    type: 'object',
                    description: "The rule's settings, every default filled in; empty where it has none.",
                    properties: {},
                    required: [],
                  },
                },
                required: ['action', 'optOut', 'settings'],
              },
              sshd: {
                type: 'object',
                description:
                  'No SSH daemon runs in containers. An SSH daemon is a second way in, past the API server, its authorization and its audit log. Default sets nothing; what looks like an SSH daemon is reported. Override is refused, there is no value that could replace a command or an image; use Deny. Risk of breaking a program that runs today: low.',
                properties: {
                  action: {
                    default: 'Warn',
                    description:
                      'Default sets the field where it is unset; Override also replaces a weaker value; Warn only reports; Deny refuses the object; Disabled does not run. Not given: as in the built-in policy default.',
                    type: 'string',
                    enum: ['Default', 'Warn', 'Deny', 'Disabled'],
                  },
                  optOut: {
                    default: 'Allowed',
                    description:
                      'Whether a namespace may weaken the rule by its label kube-harden.io/sshd (disabled or warn).',
                    type: 'string',
                    enum: ['Allowed', 'Forbidden'],
                  },
                  settings: {
                    type: 'object',
                    description: "The rule's settings, every default filled in; empty where it has none.",
                    properties: {},
                    required: [],
                  },
                },
                required: ['action', 'optOut', 'settings'],
              },
              automountServiceAccountToken: {
                type: 'object',
                description:
                  'No service account token is mounted. A program that does not talk to the API server has no use for a token, and whoever breaks into it has. Default sets `false`, and the token volume that the API server has injected already goes. Override also replaces explicit `true`. Risk of breaking a program that runs today: medium.',
                properties: {
                  action: {
                    default: 'Disabled',
                    description:
                      'Default sets the field where it is unset; Override also replaces a weaker value; Warn only reports; Deny refuses the object; Disabled does not run. Not given: as in the built-in policy default.',
                    type: 'string',
                    enum: ['Default', 'Override', 'Warn', 'Deny', 'Disabled'],
                  },
                  optOut: {
                    default: 'Allowed',
                    description:
                      'Whether a namespace may weaken the rule by its label kube-harden.io/automountServiceAccountToken (disabled or warn).',
                    type: 'string',
                    enum: ['Allowed', 'Forbidden'],
                  },
                  settings: {
                    type: 'object',
                    description: "The rule's settings, every default filled in; empty where it has none.",
                    properties: {},
                    required: [],
                  },
                },
                required: ['action', 'optOut', 'settings'],
              },
              scheduling: {
                type: 'object',
                description:
                  "Pods are scheduled on their tenant's nodes. Pods of tenants that do not share nodes cannot reach each other through the kernel, nor starve each other. Default sets nodeSelector keys, tolerations and required node affinity from the policy; the author's nodeSelector key wins. Override also replaces conflicting nodeSelector values. Risk of breaking a program that runs today: medium.",
                properties: {
                  action: {
                    default: 'Disabled',
                    description:
                      'Default sets the field where it is unset; Override also replaces a weaker value; Warn only reports; Deny refuses the object; Disabled does not run. Not given: as in the built-in policy default.',
                    type: 'string',
                    enum: ['Default', 'Override', 'Warn', 'Deny', 'Disabled'],
                  },
                  optOut: {
                    default: 'Allowed',
                    description:
                      'Whether a namespace may weaken the rule by its label kube-harden.io/scheduling (disabled or warn).',
                    type: 'string',
                    enum: ['Allowed', 'Forbidden'],
                  },
                  settings: {
                    type: 'object',
                    description: "The rule's settings, every default filled in; empty where it has none.",
                    properties: {
                      nodeSelector: {
                        default: {},
                        description:
                          "Keys to set in spec.nodeSelector. The author's value for a key wins, unless the rule is Override.",
                        type: 'object',
                        propertyNames: { type: 'string' },
                        additionalProperties: { type: 'string' },
                      },
                      tolerations: {
                        default: [],
                        description: 'Tolerations to add where the pod does not have them.',
                        maxItems: 64,
                        type: 'array',
                        items: {
                          type: 'object',
                          properties: {
                            key: {
                              description:
                                'The taint key; none, with operator Exists, tolerates every taint.',
                              type: 'string',
                            },
                            operator: {
                              description: 'Equal unless given.',
                              type: 'string',
                              enum: ['Exists', 'Equal'],
                            },
                            value: {
                              description: 'The taint value that it tolerates; none with operator Exists.',
                              type: 'string',
                            },
                            effect: {
                              description: 'None: all effects.',
                              type: 'string',
                              enum: ['NoSchedule', 'PreferNoSchedule', 'NoExecute'],
                            },
                            tolerationSeconds: {
                              description: 'Only with effect NoExecute.',
                              type: 'integer',
                              minimum: -9007199254740991,
                              maximum: 9007199254740991,
                            },
                          },
                        },
                      },
                      nodeAffinity: {
                        description: 'Required node affinity to add, in the shape that a pod has it.',
                        type: 'object',
                        properties: {
                          requiredDuringSchedulingIgnoredDuringExecution: {
                            type: 'object',
                            properties: {
                              nodeSelectorTerms: {
                                minItems: 1,
                                maxItems: 1,
                                type: 'array',
                                items: {
                                  type: 'object',
                                  properties: {
                                    matchExpressions: {
                                      minItems: 1,
                                      maxItems: 64,
                                      type: 'array',
                                      items: {
                                        type: 'object',
                                        properties: {
                                          key: { type: 'string', description: 'A label of nodes.' },
                                          operator: {
                                            type: 'string',
                                            enum: ['In', 'NotIn', 'Exists', 'DoesNotExist', 'Gt', 'Lt'],
                                            description: "How the node's label relates to values.",
                                          },
                                          values: {
                                            description:
                                              'One or more for In and NotIn; none for Exists and DoesNotExist; one whole number for Gt and Lt.',
                                            maxItems: 256,
                                            type: 'array',
                                            items: { type: 'string' },
                                          },
                                        },
                                        required: ['key', 'operator'],
                                      },
                                      description: 'All of them must hold.',
                                    },
                                  },
                                  required: ['matchExpressions'],
                                },
                                description:
                                  "Exactly one term: terms are OR-ed, so its expressions are added to each of the author's terms.",
                              },
                            },
                            required: ['nodeSelectorTerms'],
                            description: 'What a node must have for the pod to be scheduled there.',
                          },
                        },
                        required: ['requiredDuringSchedulingIgnoredDuringExecution'],
                      },
                    },
                    required: ['nodeSelector', 'tolerations'],
                  },
                },
                required: ['action', 'optOut', 'settings'],
              },
              unprivilegedPorts: {
                type: 'object',
                description:
                  'Programs that are not root may listen on ports below 1024. A non-root process may bind this port only with the sysctl; without it the program would not start. Default sets sysctl `net.ipv4.ip_unprivileged_port_start: "0"` where a container that ends up non-root uses a port below 1024. Override as Default. Risk of breaking a program that runs today: low.',
                properties: {
                  action: {
                    default: 'Default',
                    description:
                      'Default sets the field where it is unset; Override also replaces a weaker value; Warn only reports; Deny refuses the object; Disabled does not run. Not given: as in the built-in policy default.',
                    type: 'string',
                    enum: ['Default', 'Override', 'Warn', 'Deny', 'Disabled'],
                  },
                  optOut: {
                    default: 'Allowed',
                    description:
                      'Whether a namespace may weaken the rule by its label kube-harden.io/unprivilegedPorts (disabled or warn).',
                    type: 'string',
                    enum: ['Allowed', 'Forbidden'],
                  },
                  settings: {
                    type: 'object',
                    description: "The rule's settings, every default filled in; empty where it has none.",
                    properties: {},
                    required: [],
                  },
                },
                required: ['action', 'optOut', 'settings'],
              },
              procMount: {
                type: 'object',
                description:
                  "The masks over /proc stay. Without them a container reads and writes what /proc shows of its node's kernel. Default sets nothing, for unset means `Default`; an explicit `Unmasked` is reported. Override also replaces `Unmasked`. Risk of breaking a program that runs today: high. Pod Security Standards: procMount_restricted of level restricted.",
                properties: {
                  action: {
                    default: 'Disabled',
                    description:
                      'Default sets the field where it is unset; Override also replaces a weaker value; Warn only reports; Deny refuses the object; Disabled does not run. Not given: as in the built-in policy default.',
                    type: 'string',
                    enum: ['Default', 'Override', 'Warn', 'Deny', 'Disabled'],
                  },
                  optOut: {
                    default: 'Allowed',
                    description:
                      'Whether a namespace may weaken the rule by its label kube-harden.io/procMount (disabled or warn).',
                    type: 'string',
                    enum: ['Allowed', 'Forbidden'],
                  },
                  settings: {
                    type: 'object',
                    description: "The rule's settings, every default filled in; empty where it has none.",
                    properties: {},
                    required: [],
                  },
                },
                required: ['action', 'optOut', 'settings'],
              },
              appArmorProfile: {
                type: 'object',
                description:
                  "Programs are confined by the runtime's AppArmor profile. It keeps a program from mounting, and from writing to those files in /proc and /sys that change the node. Default sets `RuntimeDefault` on the pod, or on each container where one is left out; with `whenUnset: Keep` nothing. Override also replaces `Unconfined`, in the field and in the annotation that stands for it. Risk of breaking a program that runs today: high. Pod Security Standards: appArmorProfile of level baseline.",
                properties: {
                  action: {
                    default: 'Disabled',
                    description:
                      'Default sets the field where it is unset; Override also replaces a weaker value; Warn only reports; Deny refuses the object; Disabled does not run. Not given: as in the built-in policy default.',
                    type: 'string',
                    enum: ['Default', 'Override', 'Warn', 'Deny', 'Disabled'],
                  },
                  optOut: {
                    default: 'Allowed',
                    description:
                      'Whether a namespace may weaken the rule by its label kube-harden.io/appArmorProfile (disabled or warn).',
                    type: 'string',
                    enum: ['Allowed', 'Forbidden'],
                  },
                  settings: {
                    type: 'object',
                    description: "The rule's settings, every default filled in; empty where it has none.",
                    properties: {
                      type: {
                        default: 'RuntimeDefault',
                        description: "The profile that is set: the container runtime's own.",
                        type: 'string',
                        enum: ['RuntimeDefault'],
                      },
                      whenUnset: {
                        default: 'Set',
                        description:
                          "Where no profile is named, a node with AppArmor confines the container by the runtime's own, and another node runs it without. Set: name it, so that a node without AppArmor refuses the pod. Keep: leave it unset, and replace Unconfined by unset too.",
                        type: 'string',
                        enum: ['Set', 'Keep'],
                      },
                    },
                    required: ['type', 'whenUnset'],
                  },
                },
                required: ['action', 'optOut', 'settings'],
              },
              hostUsers: {
                type: 'object',
                description:
                  'Pods have a user namespace of their own. Root in the container is then an ordinary user of the node, so who breaks out of it has gained little. Default sets `false`. Override also replaces explicit `true`. Risk of breaking a program that runs today: high.',
                properties: {
                  action: {
                    default: 'Disabled',
                    description:
                      'Default sets the field where it is unset; Override also replaces a weaker value; Warn only reports; Deny refuses the object; Disabled does not run. Not given: as in the built-in policy default.',
                    type: 'string',
                    enum: ['Default', 'Override', 'Warn', 'Deny', 'Disabled'],
                  },
                  optOut: {
                    default: 'Allowed',
                    description:
                      'Whether a namespace may weaken the rule by its label kube-harden.io/hostUsers (disabled or warn).',
                    type: 'string',
                    enum: ['Allowed', 'Forbidden'],
                  },
                  settings: {
                    type: 'object',
                    description: "The rule's settings, every default filled in; empty where it has none.",
                    properties: {},
                    required: [],
                  },
                },
                required: ['action', 'optOut', 'settings'],
              },
              enableServiceLinks: {
                type: 'object',
                description:
                  'Containers are not told the address of every Service. The variables are a map of the namespace for whoever breaks in, and programs take some of them for settings. Default is refused, the API server fills in true before a webhook sees the pod, so there is no unset value that could be set; use Override. Override sets `false`. Risk of breaking a program that runs today: medium.',
                properties: {
                  action: {
                    default: 'Disabled',
                    description:
                      'Default sets the field where it is unset; Override also replaces a weaker value; Warn only reports; Deny refuses the object; Disabled does not run. Not given: as in the built-in policy default.',
                    type: 'string',
                    enum: ['Override', 'Warn', 'Deny', 'Disabled'],
                  },
                  optOut: {
                    default: 'Allowed',
                    description:
                      'Whether a namespace may weaken the rule by its label kube-harden.io/enableServiceLinks (disabled or warn).',
                    type: 'string',
                    enum: ['Allowed', 'Forbidden'],
                  },
                  settings: {
                    type: 'object',
                    description: "The rule's settings, every default filled in; empty where it has none.",
                    properties: {},
                    required: [],
                  },
                },
                required: ['action', 'optOut', 'settings'],
              },
              imagePullPolicy: {
                type: 'object',
                description:
                  "The registry is asked at every start, with the pod's own credentials. Otherwise a private image that is on the node already runs for pods that may not pull it. Default is refused, the API server fills in IfNotPresent before a webhook sees the pod, so there is no unset value that could be set; use Override. Override sets `Always`, on containers and on volumes that are images. Risk of breaking a program that runs today: medium.",
                properties: {
                  action: {
                    default: 'Disabled',
                    description:
                      'Default sets the field where it is unset; Override also replaces a weaker value; Warn only reports; Deny refuses the object; Disabled does not run. Not given: as in the built-in policy default.',
                    type: 'string',
                    enum: ['Override', 'Warn', 'Deny', 'Disabled'],
                  },
                  optOut: {
                    default: 'Allowed',
                    description:
                      'Whether a namespace may weaken the rule by its label kube-harden.io/imagePullPolicy (disabled or warn).',
                    type: 'string',
                    enum: ['Allowed', 'Forbidden'],
                  },
                  settings: {
                    type: 'object',
                    description: "The rule's settings, every default filled in; empty where it has none.",
                    properties: {},
                    required: [],
                  },
                },
                required: ['action', 'optOut', 'settings'],
              },
              supplementalGroupsPolicy: {
                type: 'object',
                description:
                  "Processes have only the groups that the pod names. Otherwise the image's own /etc/group can add the group of a shared volume to its process, unseen. Default sets `Strict`. Override also replaces explicit `Merge`. Risk of breaking a program that runs today: high.",
                properties: {
                  action: {
                    default: 'Disabled',
                    description:
                      'Default sets the field where it is unset; Override also replaces a weaker value; Warn only reports; Deny refuses the object; Disabled does not run. Not given: as in the built-in policy default.',
                    type: 'string',
                    enum: ['Default', 'Override', 'Warn', 'Deny', 'Disabled'],
                  },
                  optOut: {
                    default: 'Allowed',
                    description:
                      'Whether a namespace may weaken the rule by its label kube-harden.io/supplementalGroupsPolicy (disabled or warn).',
                    type: 'string',
                    enum: ['Allowed', 'Forbidden'],
                  },
                  settings: {
                    type: 'object',
                    description: "The rule's settings, every default filled in; empty where it has none.",
                    properties: {},
                    required: [],
                  },
                },
                required: ['action', 'optOut', 'settings'],
              },
            },
            required: [
              'privileged',
              'runAsNonRoot',
              'runAsUser',
              'capabilities',
              'allowPrivilegeEscalation',
              'readOnlyRootFilesystem',
              'seccompProfile',
              'resources',
              'hostNamespaces',
              'hostPath',
              'runtimeSocket',
              'sshd',
              'automountServiceAccountToken',
              'scheduling',
              'unprivilegedPorts',
              'procMount',
              'appArmorProfile',
              'hostUsers',
              'enableServiceLinks',
              'imagePullPolicy',
              'supplementalGroupsPolicy',
            ],
          },
        },
        required: ['name', 'warnings', 'templates', 'unknownImages', 'imageProfiles', 'exceptions', 'rules'],
      },
      PoliciesAnswer: {
        type: 'object',
        description: 'The policies in force.',
        properties: {
          policies: {
            type: 'array',
            description:
              'Each policy once, by name: the built-in ones, and those that take their place or join them.',
            items: { $ref: '#/components/schemas/Policy' },
          },
        },
        required: ['policies'],
      },
    },
    responses: {
      BadRequest: {
        description:
          'The query or the manifests cannot be read. errors lists everything that is wrong, each with its document, line, column and field where it has one.',
        content: { 'application/problem+json': { schema: { $ref: '#/components/schemas/Problem' } } },
      },
      Unauthorized: {
        description: 'In a cluster: no bearer token, or one that the API server does not accept.',
        headers: {
          'WWW-Authenticate': {
            description: 'The challenge: Bearer, and what is wrong with the token.',
            required: true,
            schema: { type: 'string' },
          },
        },
        content: { 'application/problem+json': { schema: { $ref: '#/components/schemas/Problem' } } },
      },
      Forbidden: {
        description:
          'In a cluster: the user may not create previews.kube-harden.io in this namespace. Standalone: the caller is not on this machine.',
        content: { 'application/problem+json': { schema: { $ref: '#/components/schemas/Problem' } } },
      },
      NotFound: {
        description: 'A namespace that the manifests or the query name does not exist.',
        content: { 'application/problem+json': { schema: { $ref: '#/components/schemas/Problem' } } },
      },
      NotAcceptable: {
        description: 'None of the types in Accept can be had; detail lists those that can.',
        content: { 'application/problem+json': { schema: { $ref: '#/components/schemas/Problem' } } },
      },
      ContentTooLarge: {
        description: 'The body is larger than 20971520 bytes.',
        content: { 'application/problem+json': { schema: { $ref: '#/components/schemas/Problem' } } },
      },
      UnsupportedMediaType: {
        description:
          'The Content-Type is neither YAML nor JSON, the charset is not UTF-8, or the body is compressed.',
        content: { 'application/problem+json': { schema: { $ref: '#/components/schemas/Problem' } } },
      },
      InternalServerError: {
        description: 'The request could not be answered; the log of the server says why.',
        content: { 'application/problem+json': { schema: { $ref: '#/components/schemas/Problem' } } },
      },
      ServiceUnavailable: {
        description:
          'It cannot be answered now: the cluster cannot be asked, a policy does not load, or the preview is busy.',
        headers: {
          'Retry-After': {
            description: 'After how many seconds to try again.',
            schema: { type: 'integer', minimum: 0 },
          },
        },
        content: { 'application/problem+json': { schema: { $ref: '#/components/schemas/Problem' } } },
      },
      Problem: {
        description: 'Anything else that is wrong with the request.',
        content: { 'application/problem+json': { schema: { $ref: '#/components/schemas/Problem' } } },
      },
    },
    securitySchemes: {
      bearer: {
        type: 'http',
        scheme: 'bearer',
        description:
          'In a cluster: a token that its API server accepts, such as that of kubectl create token. The API server is asked who it belongs to and whether that user may create previews.kube-harden.io. Without a cluster no token is looked at.',
      },
    },
  },
};
