"""A real ActiveMQ broker for tests: STOMP over TLS on a free port, messages kept on disk."""

import shutil
import socket
import ssl
import subprocess
from pathlib import Path

import pytest

from tests.parts.certificates import Certificate
from tests.parts.processes import free_port, stop, wait_until_ready

USERNAME = "app"
PASSWORD = "a-password-of-the-test"

_JARS = Path("/usr/share/java")
_CLASSPATH = [
    "activemq-broker",
    "activemq-client",
    "activemq-jaas",
    "activemq-kahadb-store",
    "activemq-openwire-legacy",
    "activemq-protobuf",
    "activemq-spring",
    "activemq-stomp",
    "activemq-console",
    "commons-logging",
    "geronimo-j2ee-management-1.1-spec",
    "geronimo-jms_1.1_spec",
    "geronimo-jta-1.2-spec",
    "hawtbuf",
    "jackson-annotations",
    "jackson-core",
    "jackson-databind",
    "jettison",
    "slf4j-api",
    "slf4j-simple",
    "spring3-aop",
    "spring3-beans",
    "spring3-context",
    "spring3-core",
    "spring3-expression",
    "xbean-spring",
    "xpp3",
    "xstream",
]
_CONFIGURATION = """\
<beans xmlns="http://www.springframework.org/schema/beans"
       xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance"
       xsi:schemaLocation="http://www.springframework.org/schema/beans
         http://www.springframework.org/schema/beans/spring-beans.xsd
         http://activemq.apache.org/schema/core http://activemq.apache.org/schema/core/activemq-core.xsd">
  <broker xmlns="http://activemq.apache.org/schema/core" brokerName="test" dataDirectory="{folder}/data"
          schedulerSupport="true" useJmx="false" advisorySupport="false">
    <destinationPolicy><policyMap><policyEntries>
      <policyEntry queue="&gt;" prioritizedMessages="true"/>
    </policyEntries></policyMap></destinationPolicy>
    <persistenceAdapter><kahaDB directory="{folder}/data/kahadb"/></persistenceAdapter>
    <plugins>
      <simpleAuthenticationPlugin><users>
        <authenticationUser username="{username}" password="{password}" groups="apps"/>
      </users></simpleAuthenticationPlugin>
      <authorizationPlugin><map><authorizationMap><authorizationEntries>
        <authorizationEntry queue="open.&gt;" read="apps" write="apps" admin="apps"/>
        <authorizationEntry queue="DLQ.open.&gt;" read="apps" write="apps" admin="apps"/>
        <authorizationEntry queue="&gt;" read="nobody" write="nobody" admin="nobody"/>
        <authorizationEntry topic="&gt;" read="apps" write="apps" admin="apps"/>
      </authorizationEntries></authorizationMap></map></authorizationPlugin>
    </plugins>
    <sslContext><sslContext keyStore="file:{folder}/broker.p12" keyStoreType="PKCS12"
                            keyStorePassword="{password}" keyStoreKeyPassword="{password}"/></sslContext>
    <transportConnectors>
      <transportConnector name="stomp" uri="stomp+nio+ssl://127.0.0.1:{port}?transport.enabledProtocols=TLSv1.2,TLSv1.3"/>
    </transportConnectors>
  </broker>
</beans>
"""


class ActiveMq:
    """One broker with the user :data:`USERNAME`, whose certificate names ``localhost`` and 127.0.0.1.

    It keeps its port and its messages over :meth:`kill` and :meth:`start`. The user may read and write the
    queues ``open.*`` and no others.
    """

    def __init__(self, *, folder: Path, certificate: Certificate) -> None:
        self.host = "127.0.0.1"
        self.port = free_port()
        self._folder = folder
        self._process: subprocess.Popen[bytes] | None = None
        certificate.write_pkcs12(folder / "broker.p12", password=PASSWORD)
        (folder / "activemq.xml").write_text(
            _CONFIGURATION.format(folder=folder, port=self.port, username=USERNAME, password=PASSWORD)
        )

    def start(self) -> None:
        if shutil.which("java") is None or not (_JARS / "activemq-stomp.jar").exists():
            pytest.fail(
                "ActiveMQ is not installed: apt-get install activemq libxstream-java libjettison-java"
            )
        classpath = ":".join(str(_JARS / f"{name}.jar") for name in _CLASSPATH)
        jvm = ["-Xmx128m", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1", "-Djava.awt.headless=true"]
        home = [f"-Dactivemq.home={self._folder}", f"-Dactivemq.base={self._folder}"]
        main = ["org.apache.activemq.console.Main", "start", f"xbean:file:{self._folder}/activemq.xml"]
        path = self._folder / "activemq.log"
        with path.open("ab") as log:
            self._process = subprocess.Popen(
                ["java", *jvm, *home, "-cp", classpath, *main], stdout=log, stderr=subprocess.STDOUT
            )
        wait_until_ready(self._process, self._takes_a_login, name="ActiveMQ", log=path)

    def kill(self) -> None:
        """End it as a crash would."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()

    def stop(self) -> None:
        if self._process is not None:
            stop(self._process)

    def connections(self) -> int:
        """How many TCP connections to the broker are established now."""
        # Java listens on IPv6 sockets that take IPv4 too.
        tables = (Path("/proc/net/tcp"), Path("/proc/net/tcp6"))
        rows = [line.split() for table in tables for line in table.read_text().splitlines()[1:]]
        return sum(row[1].endswith(f"0100007F:{self.port:04X}") and row[3] == "01" for row in rows)

    def _takes_a_login(self) -> bool:
        """A login and not a port alone: the first handshake of a JVM takes seconds on a busy machine."""
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
        try:
            with (
                socket.create_connection((self.host, self.port), timeout=30) as plain,
                context.wrap_socket(plain) as connection,
            ):
                connection.sendall(
                    f"STOMP\naccept-version:1.2\nhost:test\nlogin:{USERNAME}\npasscode:{PASSWORD}\n\n\0".encode()
                )
                return connection.recv(65536).startswith(b"CONNECTED")
        except OSError:
            return False
