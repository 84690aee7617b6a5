"""The profiles: JavaScript and TypeScript, Go, Java, Rust, C and C++, C#, Ruby, PHP.

Python's environments are made by `tasks.environment.python`, which knows far more of it.
"""

from __future__ import annotations

from journeyman.errors import JourneymanError
from journeyman.sandbox import ENVIRONMENT_PATH
from journeyman.tasks.languages.profile import Profile, Rung

__all__ = ["PROFILES", "environment_language", "profile_of"]

_SYSTEM_PATH = "/usr/local/bin:/usr/bin:/bin"
_NO_NETWORK = (
    r"ENOTFOUND|EAI_AGAIN|ECONNREFUSED|ENETUNREACH|ETIMEDOUT|EHOSTUNREACH|[Cc]ould not resolve host"
    r"|dial tcp|Could not reach host|Couldn't resolve host|Unknown host|Temporary failure in name"
    r"|Network is unreachable|[Cc]onnection (refused|timed out|reset)|spurious network error"
    r"|failed to (download|fetch|query)|Could not transfer artifact|407 Proxy|403 Forbidden|curl error"
    r"|SSLError|could not be downloaded|[Cc]ertificate|i/o timeout|unable to access|Unauthorized"
)
_MODULES = f"{ENVIRONMENT_PATH}/node_modules"
_KEEP_MODULES = f"rm -rf {_MODULES} && cp -a node_modules {_MODULES} && rm -rf node_modules"
_NPM = "npm install --no-audit --no-fund --no-save --loglevel=error"

JAVASCRIPT = Profile(
    language="javascript",
    title="JavaScript and TypeScript",
    manifests=("package.json",),
    programs=("node", "npm"),
    packages=("nodejs", "npm"),
    version_command="node --version",
    install=(
        Rung(
            name="npm ci",
            command=f"npm ci --no-audit --no-fund --loglevel=error && {_KEEP_MODULES}",
            needs=("package-lock.json", "npm-shrinkwrap.json"),
            registry="npm",
        ),
        Rung(
            name="npm install",
            command=f'{_NPM} --before="$BEFORE" && {_KEEP_MODULES}',
            needs=("package.json",),
            content=r'"(devD|d)ependencies"',
            registry="npm",
        ),
        Rung(
            name="npm install of today",
            command=f"{_NPM} --legacy-peer-deps && {_KEEP_MODULES}",
            needs=("package.json",),
            content=r'"(devD|d)ependencies"',
            registry="npm",
        ),
    ),
    variables={
        "PATH": f"{_MODULES}/.bin:{_SYSTEM_PATH}",
        "CI": "1",
        "FORCE_COLOR": "0",
        "NO_COLOR": "1",
        "NODE_ENV": "test",
    },
    build_variables={"NODE_ENV": "development", "npm_config_cache": "/opt/registry-cache/npm"},
    links={"node_modules": "node_modules"},
    unreachable=_NO_NETWORK,
    unbuilt=r"error TS\d+:|SyntaxError:",
)

_GO_CACHE = "/tmp/go-build"  # noqa: S108 - a path inside the sandbox
_GO_KEPT = f"{ENVIRONMENT_PATH}/go-build"
_GO_LIBRARIES = "{{if or .Standard (and .Module (not .Module.Main))}}{{.ImportPath}}{{end}}"
_GO_DEPENDENCIES = f"go list -deps -test -f '{_GO_LIBRARIES}' ./..."

GO = Profile(
    language="go",
    title="Go",
    manifests=("go.mod",),
    programs=("go",),
    packages=("golang-go",),
    version_command="go version",
    install=(
        Rung(
            name="vendored",
            command="test -d vendor",
            needs=("vendor/modules.txt",),
        ),
        Rung(
            name="go mod download",
            command="env -u GOPROXY -u GOSUMDB go mod download",
            needs=("go.mod",),
            content=r"(?m)^\s*(require\b|[\w./-]+ v\d)",
            registry="Go module proxy",
        ),
    ),
    # The libraries alone are kept compiled: what the project compiles to would give its fix away.
    after_install=(
        f"export GOCACHE={_GO_KEPT}; {_GO_DEPENDENCIES} | grep -v '^$' | grep -v '\\[' | sort -u"
        " | xargs --no-run-if-empty go build"
    ),
    before_tests=(
        f"[ -d {_GO_CACHE} ] || [ ! -d {_GO_KEPT} ] || cp -rs {_GO_KEPT} {_GO_CACHE} 2>/dev/null"
    ),
    variables={
        "PATH": f"/usr/local/go/bin:{_SYSTEM_PATH}",
        "GOCACHE": _GO_CACHE,
        "GOMODCACHE": f"{ENVIRONMENT_PATH}/go-mod",
        "GOPROXY": "off",
        "GOSUMDB": "off",
        "GOTOOLCHAIN": "local",
        "GOTELEMETRY": "off",
        "GOFLAGS": "-modcacherw",
        "CI": "1",
    },
    unreachable=_NO_NETWORK,
    unbuilt=r"\[build failed\]|\[setup failed\]",
)

JAVA = Profile(
    language="java",
    title="Java",
    manifests=("pom.xml", "build.gradle", "build.gradle.kts", "src/main/java"),
    programs=("java", "javac"),
    packages=("default-jdk-headless", "maven", "junit4", "junit5"),
    version_command="java -version 2>&1 | head -n 1",
    install=(
        Rung(
            name="maven",
            command="mvn -B -q -Dmaven.repo.local=/opt/environment/maven dependency:go-offline"
            " && mvn -B -q -Dmaven.repo.local=/opt/environment/maven test-compile && rm -rf target",
            needs=("pom.xml",),
            registry="Maven repository",
        ),
        Rung(
            name="gradle",
            command="export GRADLE_USER_HOME=/opt/environment/gradle;"
            " if [ -x gradlew ]; then sh gradlew --no-daemon testClasses; else gradle --no-daemon"
            " testClasses; fi && rm -rf build .gradle",
            needs=("build.gradle", "build.gradle.kts"),
            registry="Maven repository",
        ),
    ),
    variables={"PATH": _SYSTEM_PATH, "JAVA_TOOL_OPTIONS": "-XX:+UseSerialGC -XX:TieredStopAtLevel=1",
               "CI": "1"},
    build_variables={"MAVEN_OPTS": "-Xmx1g"},
    unreachable=_NO_NETWORK,
    unbuilt=r"COMPILATION ERROR|^\S+\.java:\d+: error:",
)  # fmt: skip

RUST = Profile(
    language="rust",
    title="Rust",
    manifests=("Cargo.toml",),
    programs=("cargo", "rustc"),
    packages=("cargo", "rustc"),
    version_command="rustc --version",
    install=(
        Rung(
            name="vendored",
            command="test -d vendor",
            needs=(".cargo/config.toml", ".cargo/config"),
            content="vendored-sources",
        ),
        Rung(
            name="cargo fetch",
            command="CARGO_NET_OFFLINE=false CARGO_HTTP_TIMEOUT=20 CARGO_NET_RETRY=1 cargo fetch",
            needs=("Cargo.toml",),
            content=r"(?m)^\[(.*\.)?(dev-|build-)?dependencies",
            registry="crates registry",
        ),
    ),
    variables={
        "PATH": _SYSTEM_PATH,
        "CARGO_HOME": f"{ENVIRONMENT_PATH}/cargo",
        "CARGO_TARGET_DIR": "/tmp/target",  # noqa: S108
        "CARGO_NET_OFFLINE": "true",
        "CARGO_INCREMENTAL": "0",
        "CARGO_TERM_COLOR": "never",
        "CARGO_PROFILE_DEV_DEBUG": "0",
        "CARGO_PROFILE_TEST_DEBUG": "0",
        "RUST_BACKTRACE": "0",
        "CI": "1",
    },
    unreachable=_NO_NETWORK,
    unbuilt=r"error: could not compile|error: failed to (load|parse|get)",
)

C = Profile(
    language="c",
    title="C and C++",
    manifests=("CMakeLists.txt", "configure", "configure.ac", "Makefile", "makefile", "meson.build"),
    programs=("gcc", "g++", "make", "cmake"),
    packages=("gcc", "g++", "make", "cmake", "autoconf", "automake", "libtool", "pkg-config",
              "libgtest-dev", "catch2", "check"),
    version_command="gcc --version | head -n 1",
    variables={"PATH": _SYSTEM_PATH, "CI": "1", "CTEST_OUTPUT_ON_FAILURE": "1"},
    unreachable=_NO_NETWORK,
    unbuilt=r"^make(\[\d+\])?: \*\*\* .*Error \d+|: error: |CMake Error",
)  # fmt: skip

CSHARP = Profile(
    language="csharp",
    title="C#",
    manifests=("*.sln", "*.csproj"),
    programs=("dotnet",),
    packages=("dotnet-sdk-8.0",),
    version_command="dotnet --version",
    install=(
        Rung(
            name="dotnet restore",
            command="NUGET_PACKAGES=/opt/environment/nuget dotnet restore",
            needs=("*.sln", "*.csproj"),
            registry="NuGet",
        ),
    ),
    variables={
        "PATH": f"{_SYSTEM_PATH}:/usr/share/dotnet",
        "NUGET_PACKAGES": f"{ENVIRONMENT_PATH}/nuget",
        "DOTNET_CLI_TELEMETRY_OPTOUT": "1",
        "DOTNET_NOLOGO": "1",
        "CI": "1",
    },
    unreachable=_NO_NETWORK,
    unbuilt=r"error CS\d+:|Build FAILED",
)

RUBY = Profile(
    language="ruby",
    title="Ruby",
    manifests=("Gemfile", "*.gemspec", "Rakefile"),
    programs=("ruby",),
    packages=("ruby", "ruby-minitest", "ruby-rspec", "ruby-test-unit", "rake", "bundler",
              "ruby-simplecov"),
    version_command="ruby --version",
    install=(
        Rung(
            name="bundle install",
            command="bundle config set --local path /opt/environment/bundle"
            " && timeout 300 bundle install --retry 1 --jobs 2 && bundle exec ruby -e ''"
            " && touch /opt/environment/bundle/.complete",
            needs=("Gemfile",),
            content=r"(?m)^\s*gem\b|^\s*gemspec\b",
            registry="gem registry",
        ),
    ),
    variables={"PATH": _SYSTEM_PATH, "BUNDLE_FROZEN": "true", "CI": "1",
               "BUNDLE_PATH": f"{ENVIRONMENT_PATH}/bundle", "BUNDLE_APP_CONFIG": "/tmp/bundle"},  # noqa: S108
    build_variables={"BUNDLE_FROZEN": "false"},
    byproducts=("Gemfile.lock",),
    unreachable=_NO_NETWORK,
)  # fmt: skip

PHP = Profile(
    language="php",
    title="PHP",
    manifests=("composer.json", "phpunit.xml", "phpunit.xml.dist"),
    programs=("php",),
    packages=("php-cli", "php-xml", "php-mbstring", "phpunit", "composer"),
    version_command="php --version | head -n 1",
    install=(
        Rung(
            name="composer install",
            command="timeout 300 composer install --no-interaction --no-progress --ignore-platform-reqs",
            needs=("composer.json",),
            content=r'"require(-dev)?"\s*:\s*\{[^}]*"[\w.-]+/[\w.-]+"',
            registry="Packagist",
        ),
        Rung(
            name="composer dump-autoload",
            command="rm -rf vendor && composer dump-autoload --dev --no-interaction",
            needs=("composer.json",),
        ),
    ),
    variables={"PATH": _SYSTEM_PATH, "CI": "1"},
    build_variables={
        "COMPOSER_HOME": "/opt/registry-cache/composer",
        "COMPOSER_ALLOW_SUPERUSER": "1",
    },
    byproducts=("vendor", "composer.lock"),
    unreachable=_NO_NETWORK,
    unbuilt=r"PHP (Parse|Fatal) error:",
)

PROFILES: dict[str, Profile] = {
    one.language: one for one in (JAVASCRIPT, GO, JAVA, RUST, C, CSHARP, RUBY, PHP)
}
_SAME = {"typescript": "javascript", "cpp": "c"}


def environment_language(language: str) -> str:
    """Return the language whose profile builds for another, e.g. JavaScript's for TypeScript."""
    return _SAME.get(language, language)


def profile_of(language: str) -> Profile:
    """Return a language's profile. Raises `JourneymanError` where there is none."""
    name = environment_language(language)
    if name not in PROFILES:
        known = ", ".join(["python", *PROFILES, *_SAME])
        raise JourneymanError(f"no environments are built for {language}", f"languages: {known}")
    return PROFILES[name]
