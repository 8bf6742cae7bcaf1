# A thin front to CMake: installs what is missing, then builds what was asked for.

.NOTPARALLEL:

JOBS := $(shell nproc)
PREFIX := /usr/local
RELEASE := build/release
export CMAKE_BUILD_PARALLEL_LEVEL := $(JOBS)

.PHONY: all help bootstrap judge configure demo test check-asan check-ubsan check-tsan check-torch2 wheel deb release bench fuzz format tidy docs site install clean

all: configure ## build the program (build/release)
	@cmake --build $(RELEASE) --target ompq_program

help: ## list the targets
	@sed -n 's/^\([a-z-]*\):.*## /  make \1\t/p' Makefile | expand -t 20

bootstrap: ## install the Debian packages that are missing
	@scripts/bootstrap.sh

judge: ## install those, and what tests need: stock runtimes, a browser, an emulator, pytest, Sphinx
	@scripts/bootstrap.sh --judge

configure: bootstrap
	@mkdir -p build
	@cmake --preset release -DCMAKE_INSTALL_PREFIX="$(PREFIX)" $(CONFIGURE) >build/configure.log 2>&1 || \
	  { cat build/configure.log; exit 1; }

demo: all ## quantize the embedded network to 3 bits on average and compare allocations
	@scripts/demo.sh

test: judge configure ## build everything and run all tests
	@cmake --build $(RELEASE)
	@scripts/run_tests.sh $(RELEASE) $(JOBS)

check-asan: judge ## run all tests with the address, leak and undefined-behaviour sanitizers (build/asan)
	@scripts/check_sanitizer asan $(JOBS)

check-ubsan: check-asan ## the same: one build has these sanitizers

check-tsan: ## run all tests with the thread sanitizer (build/tsan)
	@scripts/bootstrap.sh --tsan
	@scripts/check_sanitizer tsan $(JOBS)

check-torch2: ## build with LibTorch 2.x and run all tests (build/torch2)
	@scripts/check_torch2.sh $(JOBS)

wheel: ## build the wheel (dist/) with LibTorch 2.x
	@packaging/build_wheel.sh $(JOBS)

deb: ## build the Debian packages (dist/)
	@packaging/build_deb.sh $(JOBS)

release: ## build source archive, wheel and Debian packages with checksums (dist/)
	@packaging/release.sh $(JOBS)

bench: CONFIGURE := -DOMPQ_BENCH=ON
bench: judge configure ## build and run the benchmarks
	@cmake --build $(RELEASE)
	@scripts/run_benchmarks.sh $(RELEASE)

fuzz: configure ## run the fuzz targets, built with clang; FUZZ="--seconds 60 image" runs one for a minute
	@scripts/bootstrap.sh --fuzz
	@mkdir -p build
	@cmake -S . -B build/fuzz -G Ninja -DCMAKE_CXX_COMPILER=clang++ -DCMAKE_C_COMPILER=clang -DOMPQ_FUZZ=ON \
	  -DOMPQ_TESTS=OFF -DOMPQ_PYTHON=OFF >build/fuzz.log 2>&1 || { cat build/fuzz.log; exit 1; }
	@cmake --build $(RELEASE) --target ompq_ops
	@cmake --build build/fuzz --target fuzzers
	@scripts/run_fuzzers build/fuzz $(FUZZ)

format: ## format the sources with clang-format
	@scripts/bootstrap.sh --dev
	@git ls-files -z '*.h' '*.cpp' | xargs -0 clang-format -i

tidy: ## check the sources with clang-tidy
	@scripts/bootstrap.sh --dev
	@scripts/tidy.sh

docs: all ## write docs/cli.md and the Python types again, from the option records and the results' fields
	@$(RELEASE)/bin/ompq --print-docs markdown >docs/cli.md
	@$(RELEASE)/bin/ompq --print-docs python >python/ompq/results.py

site: configure ## build the documentation site (build/site/index.html)
	@scripts/bootstrap.sh --site
	@cmake --build $(RELEASE) --target ompq_python
	@site/build.sh $(RELEASE) build/site

install: all ## install program, library, headers, Python module and man page (PREFIX=/usr/local)
	@cmake --build $(RELEASE) --target ompq ompq_python
	@cmake --install $(RELEASE)

clean: ## remove everything that was built
	@rm -rf build
