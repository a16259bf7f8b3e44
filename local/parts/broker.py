"""ActiveMQ from Debian's jars, with the same configuration file that compose.yaml mounts."""

import ssl
from pathlib import Path
from xml.etree import ElementTree

from local.certificates import Certificates
from local.credentials import Credentials
from local.home import Home, write_text
from local.parts.part import Part
from local.paths import ACTIVEMQ_XML, JAVA_LIBRARIES
from local.ports import LOOPBACK, Ports
from local.queues.stomp import StompConnection

_BEANS = "http://www.springframework.org/schema/beans"
_SCHEMA_INSTANCE = "http://www.w3.org/2001/XMLSchema-instance"
_ACTIVEMQ = "http://activemq.apache.org/schema/core"
APP_USER = "app"
MAPPING_USER = "mapping"

# Debian spreads ActiveMQ over many packages; xstream, xpp3 and jettison are needed as soon as a client
# sends a `transformation` header, without them that kills its connection.
_JARS = [
    "activemq-broker",
    "activemq-client",
    "activemq-console",
    "activemq-jaas",
    "activemq-kahadb-store",
    "activemq-openwire-legacy",
    "activemq-protobuf",
    "activemq-spring",
    "activemq-stomp",
    "activeio-core",
    "geronimo-jms_1.1_spec",
    "geronimo-jta-1.2-spec",
    "geronimo-j2ee-management-1.1-spec",
    "hawtbuf",
    "slf4j-api",
    "slf4j-simple",
    "jcl-over-slf4j",
    "spring3-aop",
    "spring3-beans",
    "spring3-context",
    "spring3-core",
    "spring3-expression",
    "xbean-spring",
    "jackson-annotations",
    "jackson-core",
    "jackson-databind",
    "jettison",
    "xstream",
    "xpp3",
]


class JarsMissing(RuntimeError):
    """Debian's packages for the broker are not installed."""


def broker(
    home: Home, ports: Ports, credentials: Credentials, certificates: Certificates, *, configuration: str
) -> Part:
    """The broker, ready when a client can log in over TLS.

    ``configuration`` is Amazon MQ's: its policies and rights take the place of those in the file.
    """
    data = home.data / "broker"
    xml = data / "activemq.xml"
    properties = data / "broker.properties"

    async def prepare() -> None:
        data.mkdir(exist_ok=True)
        write_text(xml, combined(ACTIVEMQ_XML.read_text(encoding="utf-8"), configuration))
        write_text(
            properties,
            "".join(
                f"{key}={value}\n"
                for key, value in {
                    "broker.data": data,
                    "broker.host": LOOPBACK,
                    "broker.port": ports.broker,
                    "broker.keystore": certificates.keystore,
                    "broker.keystore.password": credentials.keystore_password,
                    "app.username": APP_USER,
                    "app.password": credentials.broker_app_password,
                    "mapping.username": MAPPING_USER,
                    "mapping.password": credentials.broker_mapping_password,
                }.items()
            ),
        )

    async def probe() -> None:
        connection = await StompConnection.open(
            host=LOOPBACK,
            port=ports.broker,
            username=MAPPING_USER,
            password=credentials.broker_mapping_password,
            context=ssl.create_default_context(cafile=certificates.ca),
        )
        await connection.close()

    return Part(
        name="broker",
        what="ActiveMQ, STOMP over TLS",
        address=f"{LOOPBACK}:{ports.broker}",
        command=(
            "java",
            "-Xmx128m",
            "-XX:+UseSerialGC",
            "-XX:TieredStopAtLevel=1",
            "-Djava.net.preferIPv4Stack=true",
            f"-Djava.io.tmpdir={home.temporary}",
            f"-Dactivemq.home={data}",
            f"-Dactivemq.base={data}",
            f"-Dprensa.properties={properties}",
            "-Dorg.slf4j.simpleLogger.showDateTime=true",
            "-Dorg.slf4j.simpleLogger.dateTimeFormat=yyyy-MM-dd'T'HH:mm:ss.SSSXXX",
            "-cp",
            class_path(JAVA_LIBRARIES),
            "org.apache.activemq.console.command.ShellCommand",
            "start",
            f"xbean:{xml.as_uri()}",
        ),
        environment={"PATH": "/usr/bin:/bin", "LANG": "C.UTF-8"},
        directory=home.path,
        prepare=prepare,
        probe=probe,
    )


def combined(base: str, configuration: str) -> str:
    """The configuration file of a broker: Amazon MQ's ``configuration`` inside ``base``.

    Amazon MQ takes a ``<broker>`` alone and adds transports, users and storage, which ``base`` has.
    """
    for prefix, uri in {"": _BEANS, "amq": _ACTIVEMQ, "xsi": _SCHEMA_INSTANCE}.items():
        ElementTree.register_namespace(prefix, uri)
    beans = ElementTree.fromstring(base)  # noqa: S314 - both are our own
    deployed = ElementTree.fromstring(configuration)  # noqa: S314
    broker = _child(beans, "broker")
    for name, value in deployed.attrib.items():
        broker.set(name, value)
    _replace(broker, _child(deployed, "destinationPolicy"))
    _replace(_child(broker, "plugins"), _child(_child(deployed, "plugins"), "authorizationPlugin"))
    return ElementTree.tostring(beans, encoding="unicode")


def _child(parent: ElementTree.Element, name: str) -> ElementTree.Element:
    found = parent.find(f"{{{_ACTIVEMQ}}}{name}")
    if found is None:
        raise ValueError(f"The broker's configuration has no <{name}> in <{parent.tag}>.")
    return found


def _replace(parent: ElementTree.Element, element: ElementTree.Element) -> None:
    old = next(child for child in parent if child.tag == element.tag)
    index = list(parent).index(old)
    parent.remove(old)
    parent.insert(index, element)


def class_path(libraries: Path) -> str:
    """The class path of the broker. Raises :class:`JarsMissing` with the names of absent jars."""
    jars = [libraries / f"{name}.jar" for name in _JARS]
    missing = [jar.name for jar in jars if not jar.exists()]
    if missing:
        raise JarsMissing(f"Not found in {libraries}: {', '.join(missing)}. Run `make setup`.")
    return ":".join(map(str, jars))
