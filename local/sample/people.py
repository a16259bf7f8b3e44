"""Names, cities and number formats of the customers, by country and in the country's own script."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Country:
    """``weight`` is the share among customers. ``#`` in a pattern is any digit.

    ``name`` says how a given name (``g``) and a family name (``f``) stand together.
    """

    code: str
    weight: int
    name: str
    given: tuple[str, ...]
    family: tuple[str, ...]
    cities: tuple[str, ...]
    postal_code: str
    tax_id: str


def _words(text: str) -> tuple[str, ...]:
    return tuple(word.replace("_", " ") for word in text.split())


COUNTRIES = (
    Country(
        code="BR",
        weight=22,
        name="g f",
        given=_words("Ana João Conceição Luís Iracema Antônio Márcia Otávio Júlia Caetano Inês Estêvão"),
        family=_words("Araújo Gonçalves Simões Brandão d'Ávila Magalhães Assunção Falcão Patrício Queirós"),
        cities=_words("São_Paulo Belém Goiânia Maceió Florianópolis Cuiabá Vitória Abaeté"),
        postal_code="0####-###",
        tax_id="0##########",
    ),
    Country(
        code="US",
        weight=14,
        name="g f",
        given=_words("Renée Michael Zoë James Chloé Robert Sinéad William Noël Patricia"),
        family=_words("O'Neill Smith Núñez Johnson Muñoz Williams McDonald Brown García Jones"),
        cities=_words("Boston Providence Newark Hartford Cambridge San_José"),
        postal_code="0####",
        tax_id="0########",
    ),
    Country(
        code="DE",
        weight=10,
        name="g f",
        given=_words("Jürgen Käthe Björn Ürsula Günther Änne Jörg Bärbel"),
        family=_words("Müller Schäfer Größe Weiß Köhler Krüger Strauß Jäger von_Bülow"),
        cities=_words("Dresden Leipzig München Düsseldorf Chemnitz Görlitz"),
        postal_code="0####",
        tax_id="0##########",
    ),
    Country(
        code="FR",
        weight=10,
        name="g f",
        given=_words("Élodie François Hélène Loïc Anaïs Benoît Gaëlle Cédric"),
        family=_words("Lefèvre d'Aubigné Çelik Béranger Hébert L'Hôpital Noël Œuvrard"),
        cities=_words("Nice Privas Mézières Foix Bourg-en-Bresse"),
        postal_code="0#0##",
        tax_id="0############",
    ),
    Country(
        code="ES",
        weight=9,
        name="g f",
        given=_words("Íñigo Begoña Jesús Ángela Andrés Nuria José María"),
        family=_words("Núñez Ibáñez Gutiérrez Muñoz Peña Ordóñez Güell"),
        cities=_words("Vitoria-Gasteiz Alacant Almería Ávila Badajoz"),
        postal_code="0####",
        tax_id="0#######X",
    ),
    Country(
        code="PT",
        weight=6,
        name="g f",
        given=_words("Inês Gonçalo Conceição Sebastião Graça Simão"),
        family=_words("Guimarães Simões Leitão Fernão Mourão Camões"),
        cities=_words("Lisboa Setúbal Évora Guimarães Bragança"),
        postal_code="####-0##",
        tax_id="0########",
    ),
    Country(
        code="PL",
        weight=6,
        name="g f",
        given=_words("Łukasz Małgorzata Paweł Żaneta Józef Bożena"),
        family=_words("Wałęsa Kowalczyk Śliwiński Żółkiewski Dąbrowski Łoś"),
        cities=_words("Łódź Kraków Gdańsk Wrocław Poznań"),
        postal_code="0#-###",
        tax_id="0#########",
    ),
    Country(
        code="CZ",
        weight=4,
        name="g f",
        given=_words("Jiří Žofie Ondřej Růžena Tomáš Šárka"),
        family=_words("Dvořák Černý Říha Němcová Šťastný Kučera"),
        cities=_words("Brno Plzeň Ústí_nad_Labem Zlín České_Budějovice"),
        postal_code="### ##",
        tax_id="0#######",
    ),
    Country(
        code="TR",
        weight=4,
        name="g f",
        given=_words("Işıl Çağlar Şule Ömer Gülşen İbrahim"),
        family=_words("Yıldız Öztürk Şahin Çelik Güneş Kılıç"),
        cities=_words("İzmir Eskişehir Diyarbakır Muğla Adana"),
        postal_code="0####",
        tax_id="##########",
    ),
    Country(
        code="UA",
        weight=4,
        name="g f",
        given=_words("Олена Андрій Єва Ґанна Юрій Любов"),
        family=_words("Шевченко Їжакевич Коваленко Щербак Лук’яненко Іваненко Гнатюк"),
        cities=_words("Київ Львів Харків Одеса Чернівці"),
        postal_code="0####",
        tax_id="0#########",
    ),
    Country(
        code="BG",
        weight=3,
        name="g f",
        given=_words("Иван Цветана Пламен Божидара Йордан Снежана"),
        family=_words("Петров Димитрова Йовчев Щерева Чакъров"),
        cities=_words("София Пловдив Варна Бургас Русе"),
        postal_code="####",
        tax_id="0########",
    ),
    Country(
        code="GR",
        weight=3,
        name="g f",
        given=_words("Γιώργος Ελένη Αντώνης Φωτεινή Κώστας Ιφιγένεια"),
        family=_words("Παπαδόπουλος Οικονόμου Ψαράς Ξενάκη Βασιλείου"),
        cities=_words("Αθήνα Θεσσαλονίκη Πάτρα Ηράκλειο Ιωάννινα"),
        postal_code="### ##",
        tax_id="0########",
    ),
    Country(
        code="JP",
        weight=2,
        name="fg",
        given=_words("花子 太郎 美咲 健一 さくら 翔"),
        family=_words("佐藤 鈴木 高橋 渡邊 齋藤"),
        cities=_words("東京 札幌市 大阪市 京都市 那覇市"),
        postal_code="0##-####",
        tax_id="############",
    ),
    Country(
        code="CN",
        weight=2,
        name="fg",
        given=_words("伟 芳 秀英 敏 静 磊"),
        family=_words("王 李 张 刘 欧阳"),
        cities=_words("北京 上海 呼和浩特 包头 成都"),
        postal_code="0#####",
        tax_id="9##############X",
    ),
    Country(
        code="KR",
        weight=1,
        name="f g",
        given=_words("민준 서연 지우 하은 도윤"),
        family=_words("김 이 박 최 정"),
        cities=_words("서울 부산 인천 대구"),
        postal_code="0####",
        tax_id="0#########",
    ),
    Country(
        code="EG",
        weight=2,
        name="g f",
        given=_words("محمد فاطمة أحمد مريم يوسف"),
        family=_words("حسن عبد_الله إبراهيم السيد منصور"),
        cities=_words("القاهرة الإسكندرية الجيزة أسوان"),
        postal_code="0####",
        tax_id="0########",
    ),
)
