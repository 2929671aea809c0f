/** What kubelets want the kernel to do, by sysctl (upstream: `container_manager_linux.go`); the image has it so (60-atoll.conf). */
export const kernelDefaults: Readonly<Record<string, number>> = {
  'vm.overcommit_memory': 1,
  'vm.panic_on_oom': 0,
  'kernel.panic': 10,
  'kernel.panic_on_oops': 1,
};
