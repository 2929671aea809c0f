/** The pod `make run` and the boot tests start: from the demo image in the root, so no registry is needed. */
export const demoPod = `apiVersion: v1
kind: Pod
metadata:
  name: hello
spec:
  terminationGracePeriodSeconds: 5
  containers:
  - name: hello
    image: docker.io/atoll/demo:1
    imagePullPolicy: IfNotPresent
`;

/** The same under a Deployment, for what has to come back by itself. */
export const demoDeployment = `apiVersion: apps/v1
kind: Deployment
metadata:
  name: hello
spec:
  replicas: 1
  selector:
    matchLabels: {app: hello}
  template:
    metadata:
      labels: {app: hello}
    spec:
      terminationGracePeriodSeconds: 5
      containers:
      - name: hello
        image: docker.io/atoll/demo:1
        imagePullPolicy: IfNotPresent
`;
