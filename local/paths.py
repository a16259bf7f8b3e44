"""Where things are in the repository and what `local/setup.sh` has put under `.local/`."""

from pathlib import Path

REPOSITORY = Path(__file__).resolve().parent.parent
LAMBDAS = REPOSITORY / "lambdas"
REPORT_TYPES = REPOSITORY / "report_types"
ACTIVEMQ_XML = REPOSITORY / "local" / "activemq" / "activemq.xml"

DEFAULT_HOME = REPOSITORY / ".local"
OBJECT_STORE_PYTHON = DEFAULT_HOME / "venvs" / "object-store" / "bin" / "python"
TEMPLATES = DEFAULT_HOME / "templates"
LAMBDA_EMULATOR = DEFAULT_HOME / "tools" / "aws-lambda-rie"
JAVA_LIBRARIES = Path("/usr/share/java")
