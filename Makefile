# RetroVue. `make` alone prints what there is to type.
#
#   NO_FDK=1             build without the FDK AAC library (see README.md, Licences)
#   CARGO_TARGET_DIR     where cargo builds, as everywhere

.DEFAULT_GOAL := help
.NOTPARALLEL:
.PHONY: help demo deps test test-deps build fmt lint tidy check bench soak fuzz doc clean

# rustup installs here; a shell opened before it did has no such PATH yet.
export PATH := $(HOME)/.cargo/bin:$(PATH)
export NO_FDK

CARGO ?= cargo
BUILT := $(abspath $(or $(CARGO_TARGET_DIR),target))
# Asked by the recipes' shells, after the packages are there.
FEATURES = $$(scripts/codec-features.sh)
# Lints and formatting differ between toolchains, and lints with the bindings that are generated from the system's
# libav: away from the reference (Rust 1.95, FFmpeg 5.1) they are shown and do not fail.
REFERENCE_RUST := 1.95
STRICT = { rustc --version | grep -q "^rustc $(REFERENCE_RUST)[.]" && pkg-config --exists "libavcodec < 60"; }

# A leading ~ that the shell left alone.
MEDIA_DIR := $(patsubst ~/%,$(HOME)/%,$(MEDIA))

## demo [MEDIA=DIR] [PORT=N]  install what is missing, build, make a sample station (or one over DIR), serve it
demo: deps
	$(CARGO) build --release -p retrovue-scheduler -p retrovue-engine -p retrovue-testcard $(FEATURES)
	exec "$(BUILT)/release/retrovue" demo$(if $(MEDIA), --media "$(MEDIA_DIR)")$(if $(PORT), --port "$(PORT)")

## deps                       install what `make demo` needs, and nothing else
deps:
	@scripts/install-deps.sh demo

## test                       install what is missing, check form and rules, run every test
test: test-deps check
	$(CARGO) build --workspace --bins $(FEATURES)
	$(CARGO) test --workspace --no-fail-fast $(FEATURES)

test-deps:
	@scripts/install-deps.sh test

## check                      formatting, clippy, docs and the repository's own rules, without the tests
check: fmt tidy lint doc

fmt:
	$(CARGO) fmt --all --check || ! $(STRICT)

lint:
	$(CARGO) clippy --workspace --all-targets $(FEATURES) -- $$($(STRICT) && echo -D warnings)

tidy:
	$(CARGO) xtask tidy

doc:
	RUSTDOCFLAGS="$$($(STRICT) && echo -D warnings)" $(CARGO) doc --workspace --no-deps $(FEATURES)

## build                      the release binaries: retrovue, retrovue-air, retrovue-testcard
build: deps
	$(CARGO) build --release --workspace --bins $(FEATURES)

## bench                      criterion benches
bench: deps
	$(CARGO) bench -p retrovue-bench

## soak [DAYS=N]               thirty days of a channel through muxer and checker, or so many
soak: deps
	$(CARGO) run --release -p retrovue-bench --bin thirty-days $(FEATURES) -- $(or $(DAYS),30)

# The product's own versions are fuzzed. Coverage is a flag that stable compilers have too, under another name; what is
# found goes to a folder that git does not see.
## fuzz TARGET=NAME [SECONDS=N]  look for inputs that break a parser; NAME is a folder of fuzz/corpus
fuzz: test-deps
	@test -d "fuzz/corpus/$(TARGET)" && test -n "$(TARGET)" || { echo "TARGET is one of:" && ls fuzz/corpus && false; }
	@cargo-fuzz --version >/dev/null 2>&1 || $(CARGO) install --locked cargo-fuzz
	mkdir -p "$(BUILT)/fuzz/found/$(TARGET)"
	cp Cargo.lock fuzz/Cargo.lock
	RUSTC_BOOTSTRAP=1 $(CARGO) fuzz run --sanitizer none --target-dir "$(BUILT)/fuzz" $(FEATURES) $(TARGET) \
		"$(BUILT)/fuzz/found/$(TARGET)" "fuzz/corpus/$(TARGET)" -- \
		-max_total_time=$(or $(SECONDS),60) -max_len=12000 -timeout=25 -rss_limit_mb=2048

## clean                      remove what was built (media and stations stay)
clean:
	$(CARGO) clean

help:
	@echo "RetroVue: a linear television station out of a media library and a YAML grid"
	@echo
	@sed -n 's/^## /  make /p' $(firstword $(MAKEFILE_LIST))
	@echo
	@echo "  NO_FDK=1 with any of them builds without the FDK AAC library"
