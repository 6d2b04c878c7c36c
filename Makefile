# SPDX-License-Identifier: Apache-2.0
# What a newcomer needs. `make run` and `make test` install what is missing (Debian 12, as root).
.PHONY: help run test build dev package image arm64 lint bench soak asan tsan fuzz install-packages clean
SHELL := /bin/bash
JOBS ?= $(shell nproc)

help:
	@echo "make run     install packages, build, detect on this host (as root; Ctrl-C ends)"
	@echo "make test    install packages, build, run every test"
	@echo "make build   release build: build/release/gyr"
	@echo "make package Debian packages below build/package (docs/install.md); make image: a container image beside them"
	@echo "make arm64   cross build for aarch64 (build/arm64/gyr), run on Linux 6.1 in an emulated machine"
	@echo "make lint    formatting, clang-tidy, module and size rules"
	@echo "make bench   speed and memory figures (docs/performance.md)"
	@echo "make soak    live detection under load for SOAK_MINUTES (default 30), as root"
	@echo "make asan | tsan   the tests under sanitizers"
	@echo "make fuzz    each fuzzer for FUZZ_SECONDS (default 60)"

install-packages:
	@tools/install-packages packages.txt

build: install-packages
	cmake --preset release
	cmake --build --preset release --target gyr -j $(JOBS)

package: build
	@tools/install-packages packages-deploy.txt
	tools/package

image: package
	tools/image build/package/gyr_*.deb build/package/gyr-image.tar

run: build
	build/release/gyr

dev: install-packages
	cmake --preset dev
	cmake --build --preset dev -j $(JOBS)

test: install-packages
	@tools/install-packages packages-guest.txt
	@tools/install-packages packages-deploy.txt
	tools/run-tests dev

arm64: install-packages
	@tools/install-packages packages-arm64.txt
	tools/arm64-sysroot
	cmake --preset arm64
	cmake --build --preset arm64 -j $(JOBS)
	python3 tests/guest/live_guest_test.py arm64-6.1 build/arm64/gyr

asan tsan: install-packages
	tools/run-tests $@

lint: install-packages
	tools/lint

bench: install-packages
	tools/bench

soak: build
	tools/soak build/release/gyr --minutes $(or $(SOAK_MINUTES),30)

fuzz: install-packages
	tools/run-fuzzers

clean:
	rm -rf build
