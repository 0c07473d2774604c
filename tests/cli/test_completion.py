"""Shell completion: what bash itself makes of the script that the program prints."""

import shutil
import subprocess
import sys

import pytest

BASH = shutil.which("bash")


@pytest.fixture
def bash(tmp_path):
    """Runs bash with a `margincall` on its PATH, like the one that pip installs."""
    if BASH is None:
        pytest.skip("bash is not installed here")
    command = tmp_path / "margincall"
    command.write_text(f"#!{sys.executable}\nfrom monitor.cli import main\nmain()\n")
    command.chmod(0o755)

    def run(*lines):
        script = 'eval "$(margincall --show-completion bash)"\n' + "\n".join(lines)
        environ = {"PATH": f"{tmp_path}:/usr/bin:/bin", "HOME": str(tmp_path)}
        done = subprocess.run(
            [BASH, "--norc", "-c", script], env=environ, capture_output=True, text=True, timeout=50, check=False
        )
        assert (done.returncode, done.stderr) == (0, "")
        return done.stdout.split()

    return run


@pytest.mark.parametrize(
    ("typed", "offered"),
    [
        ("cred", {"credentials"}),
        ("r", {"run", "reload"}),
        ("credentials ", {"set", "list"}),
        ("service install --d", {"--dry-run"}),
    ],
)
def test_bash_offers_verbs_and_options(bash, typed, offered):
    words = ["margincall", *typed.split(" ")]
    listed = " ".join(f'"{word}"' for word in words)
    asked = f"COMP_WORDS=({listed}); COMP_CWORD={len(words) - 1}; _margincall_completion margincall"
    assert set(bash(asked, 'printf "%s\\n" "${COMPREPLY[@]}"')) == offered


def test_bash_knows_the_command_after_the_script(bash):
    assert bash("complete -p margincall")[-1] == "margincall"
