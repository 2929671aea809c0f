/** The API packages a Kubernetes 1.36 server serves by default, and where their sources are in Debian's packages. */
export interface ApiPackage {
  /** Import path: the identity types have in the source. */
  readonly importPath: string;
  /** Prefix of OpenAPI definition names: `io.k8s.api.core.v1`. */
  readonly openapi: string;
  /** API group and version when kinds in it are served; `undefined` for shared packages. */
  readonly group?: string;
  readonly version?: string;
}

const served = (path: string, group: string): ApiPackage => {
  const [name, version] = path.split('/');
  return { importPath: `k8s.io/api/${path}`, openapi: `io.k8s.api.${name}.${version}`, group, version: version ?? '' };
};

const META = 'k8s.io/apimachinery/pkg/apis/meta/v1';

export const PACKAGES: readonly ApiPackage[] = [
  { importPath: META, openapi: 'io.k8s.apimachinery.pkg.apis.meta.v1' },
  served('core/v1', ''),
  served('admission/v1', 'admission.k8s.io'),
  served('admissionregistration/v1', 'admissionregistration.k8s.io'),
  served('apidiscovery/v2', 'apidiscovery.k8s.io'),
  served('apps/v1', 'apps'),
  served('authentication/v1', 'authentication.k8s.io'),
  served('authorization/v1', 'authorization.k8s.io'),
  served('autoscaling/v1', 'autoscaling'),
  served('autoscaling/v2', 'autoscaling'),
  served('batch/v1', 'batch'),
  served('certificates/v1', 'certificates.k8s.io'),
  served('coordination/v1', 'coordination.k8s.io'),
  served('discovery/v1', 'discovery.k8s.io'),
  served('events/v1', 'events.k8s.io'),
  served('flowcontrol/v1', 'flowcontrol.apiserver.k8s.io'),
  served('networking/v1', 'networking.k8s.io'),
  served('node/v1', 'node.k8s.io'),
  served('policy/v1', 'policy'),
  served('rbac/v1', 'rbac.authorization.k8s.io'),
  served('resource/v1', 'resource.k8s.io'),
  served('scheduling/v1', 'scheduling.k8s.io'),
  served('storage/v1', 'storage.k8s.io'),
  {
    importPath: 'k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/v1',
    openapi: 'io.k8s.apiextensions-apiserver.pkg.apis.apiextensions.v1',
    group: 'apiextensions.k8s.io',
    version: 'v1',
  },
  {
    importPath: 'k8s.io/kube-aggregator/pkg/apis/apiregistration/v1',
    openapi: 'io.k8s.kube-aggregator.pkg.apis.apiregistration.v1',
    group: 'apiregistration.k8s.io',
    version: 'v1',
  },
];
