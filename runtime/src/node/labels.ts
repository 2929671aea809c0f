/** The labels and annotations by which the kubelet, crictl and log shippers know pods in the runtime (upstream `kuberuntime/labels.go`). */
export const POD_NAME = 'io.kubernetes.pod.name';
export const POD_NAMESPACE = 'io.kubernetes.pod.namespace';
export const POD_UID = 'io.kubernetes.pod.uid';
export const CONTAINER_NAME = 'io.kubernetes.container.name';
export const CONTAINER_HASH = 'io.kubernetes.container.hash';
export const RESTART_COUNT = 'io.kubernetes.container.restartCount';
export const TERMINATION_MESSAGE_PATH = 'io.kubernetes.container.terminationMessagePath';
export const TERMINATION_MESSAGE_POLICY = 'io.kubernetes.container.terminationMessagePolicy';
export const GRACE_PERIOD = 'io.kubernetes.pod.terminationGracePeriod';
/** Ours: a change in how containers are made must be able to tell old ones from new. */
export const MADE_BY = 'atoll.dev/node';
