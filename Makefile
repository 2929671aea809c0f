# Atoll. `make help` lists the targets; `make run` and `make test` need nothing installed first (builder/setup.sh installs).
SHELL := /bin/bash
IMAGE ?= vm-x86_64
export PATH := $(shell builder/setup.sh --path)$(PATH)
NODE := node --import tsx

.DEFAULT_GOAL := help
.PHONY: help setup run test test-static test-unit test-integration test-boot test-cuts test-examples test-installed test-arm-host test-loader test-run test-wifi test-boards test-upgrades torture image images flash bundle keys bench generate format clean

help: ## this list
	@printf '\n  Atoll: one image, one Kubernetes node\n\n'
	@awk -F ':.*## ' '/^[a-z-]+:.*## /{printf "  make %-18s %s\n", $$1, $$2}' $(MAKEFILE_LIST)
	@printf '\n  IMAGE=<name> chooses the image (images/*.yaml; now %s)\n\n' '$(IMAGE)'

setup: ## install what building and testing need (Debian packages, Node.js 20, npm packages)
	@builder/setup.sh

run: setup ## build the image, boot it in QEMU, wait for Ready, run a pod, show it
	@$(NODE) qemu/src/run.ts $(IMAGE)

test: setup ## every test: types, lint, unit, integration on this host, boot tests in QEMU
	@$(NODE) .ci/test.ts

test-static test-unit test-integration test-boot: test-%: setup ## one phase of the tests
	@$(NODE) .ci/test.ts $*

test-cuts: image ## the long matrix of power cuts (the sample is in `make test`)
	@ATOLL_CUTS=long $(NODE) --test qemu/test/powercut.test.ts

test-examples: image ## the examples of configs/ that `make test` has no time for, and resets (about a dozen boots)
	@$(NODE) --test --test-concurrency=1 qemu/examples/*.test.ts

test-loader: image ## boot loaders on a real FAT with every write cut, and U-Boot's script run by U-Boot
	@$(NODE) --test --test-concurrency=1 qemu/loader/*.test.ts

test-installed: setup ## the ARM roots, file by file, against what mmdebstrap installs under emulation (ten minutes)
	@builder/emulation.sh qemu-aarch64 qemu-arm
	@ATOLL_IMAGE=vm-arm64 $(NODE) --test builder/test/installed.test.ts
	@ATOLL_IMAGE=vm-armv7 $(NODE) --test builder/test/installed.test.ts

test-arm-host: setup ## an ARM64 machine, emulated, builds the images too, with the same bytes (as root; IMAGES="vm-armv7 vm-arm64"; an hour)
	@builder/emulation.sh qemu-aarch64
	@for image in $(or $(IMAGES),vm-armv7); do ATOLL_IMAGE=$$image $(NODE) --test builder/arm-host/armHost.test.ts || exit; done

test-wifi: setup ## the wireless example with simulated radios, on an image of its own (another kernel)
	@$(NODE) builder/src/cli.ts build qemu/wifi/vm-wifi.yaml --no-compress
	@$(NODE) --test qemu/wifi/wifi.test.ts

test-run: image ## atoll-builder run: forwards, snapshots, --detach, and two nodes on one network (three boots)
	@$(NODE) --test --test-concurrency=1 qemu/run/*.test.ts

BOARDS ?= vm-x86_64 vm-arm64 vm-armv7 pc-x86_64 server-arm64 vm-arm64-uboot vm-armv7-uboot rpi-arm64 rpi-armv7

test-boards: setup ## the other images on machines of their kind: Ready, a pod, a reboot, upgrades (BOARDS="vm-arm64 …"; an hour)
	@for image in $(BOARDS); do $(NODE) builder/src/cli.ts build $$(ls qemu/boards/$$image.yaml 2> /dev/null || echo $$image) --no-compress || exit; done
	@BOARDS="$(BOARDS)" $(NODE) --test --test-concurrency=1 qemu/boards/*.test.ts

BUILD_OPTIONS = $(if $(VERSION),--version $(VERSION)) $(if $(KEYS),--keys $(KEYS))

test-upgrades: image ## versions that do not come up, each in its own way: all fall back (about half an hour)
	@$(NODE) --test --test-concurrency=1 qemu/upgrade/*.test.ts

torture: image ## more than 400 power cuts in upgrades, boots, blessings and fall-backs (an hour; ATOLL_MOMENTS=60 ATOLL_BOOTS=2 ATOLL_PULLS=1)
	@ATOLL_CUTS=long $(NODE) --test qemu/test/upgrade.test.ts
	@$(NODE) --test --test-concurrency=1 qemu/torture/*.test.ts

image: setup ## build the image into out/<name>/ (VERSION=0.2.0, KEYS=release)
	@$(NODE) builder/src/cli.ts build $(IMAGE) $(BUILD_OPTIONS)

# Disks need root; what is installed and cached is this user's all the same, so it is made before.
NEEDS_ROOT = $(filter /dev/%,$(TO)) $(findstring --cards,$(FLASH))
AS_ROOT = $(if $(filter 0,$(shell id -u)),,sudo env "PATH=$$PATH" "ATOLL_CACHE=$${ATOLL_CACHE:-$$HOME/.cache/atoll}")

flash: setup ## write the image to cards (TO="/dev/sdX …", FLASH="--hostname a …"); without TO it lists the disks
	@$(if $(strip $(NEEDS_ROOT)),mkdir -p "$${ATOLL_CACHE:-$$HOME/.cache/atoll}/tmp" && $(NODE) builder/src/cli.ts tools > /dev/null)
	@$(if $(strip $(NEEDS_ROOT)),$(AS_ROOT)) $(NODE) builder/src/cli.ts flash $(IMAGE) $(foreach card,$(TO),--to $(card)) $(FLASH)

bundle: setup ## the same, and its signed bundle for upgrades, in out/channel/ too (NOTES=file, ROLLOUT=25)
	@$(NODE) builder/src/cli.ts bundle $(IMAGE) $(BUILD_OPTIONS) $(if $(NOTES),--notes $(NOTES)) $(if $(ROLLOUT),--rollout $(ROLLOUT))

keys: setup ## make the keys that sign bundles, outside the checkout, and list them
	@$(NODE) builder/src/cli.ts keys

images: setup ## list the images that can be built
	@$(NODE) builder/src/cli.ts images

bench: setup ## measure, and print the tables (ROWS="size api …", RUNS=3, IMAGE="vm-x86_64 vm-arm64 …" side by side)
	@$(NODE) .ci/bench.ts $(ROWS) $(if $(RUNS),--runs $(RUNS)) $(foreach image,$(IMAGE),--image $(image))

generate: setup ## write the API schema table anew from Kubernetes' sources
	@$(NODE) runtime/generate/main.ts

format: setup ## format the sources
	@npx biome check --write .

clean: ## remove what was built here (the caches outside the checkout stay)
	@rm -rf out
