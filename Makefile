# `make` alone lists the targets. All are safe to run again, and with -j.
.PHONY: help setup setup-tests setup-slow demo test slow simulate bench gate gate-update assets

help:
	@sed -n 's/^\([a-z-]*\):.*## /make \1	/p' $(firstword $(MAKEFILE_LIST))

setup: ## install what Banter needs to build and run (Debian, Ubuntu)
	scripts/setup.sh

setup-tests:
	scripts/setup.sh --tests

demo: setup ## talk to the agent: a recorded user, in real time, from start to end
	mkdir -p out
	cargo run --release --locked -- talk --input assets/conversation.wav \
		--record out/conversation.wav --events out/events.jsonl
	@echo "both sides, in stereo:  out/conversation.wav"
	@echo "what happened:          out/events.jsonl"
	@echo "talk to it yourself:    cargo run --release -- talk"

test: setup-tests ## run all tests
	cargo test --locked --all-features

setup-slow:
	scripts/setup.sh --slow

slow: setup-slow ## run what takes long: MCP, a call over open speakers, phrases that wake, an hour with losses
	scripts/mcp_conformance.sh
	cargo test --release --locked --test loopback -- --ignored --nocapture
	cargo test --release --locked --test wake -- --ignored --nocapture
	cargo test --release --locked --all-features --test duplex -- --ignored --nocapture

simulate: setup ## make 1,000 random calls with random faults, in virtual time
	mkdir -p out
	cargo run --release --locked -- simulate random --faults random --count 1000 \
		>out/simulate.txt || { grep -v '  ok  ' out/simulate.txt; exit 1; }

bench: setup ## measure
	cargo bench --locked

# In the profile of the tests, whose parts are built already.
gate: setup-tests ## measure whether the same talk costs what it did
	cargo bench --locked --all-features --profile dev --bench gate -- check

gate-update: setup-tests ## take what it costs now as the measure
	cargo bench --locked --all-features --profile dev --bench gate -- update

assets: setup ## synthesize assets/ anew
	scripts/make_assets.py
	scripts/make_assets.py --speech target/speech
	cargo run --release --locked -- bench turns --make assets/turns --speech target/speech --seed 4 \
		--each 1 $(addprefix --kind ,simple hesitate600 short idle-probe echo-20 barge-20)
