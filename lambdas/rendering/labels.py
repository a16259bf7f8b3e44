"""The few words that the engine itself puts into a report."""

from dataclasses import dataclass

from babel import Locale


@dataclass(frozen=True, kw_only=True, slots=True)
class Labels:
    """``page`` has ``{page}`` and ``{pages}``; ``subtotal`` has ``{group}``."""

    page: str
    total: str
    subtotal: str
    no_data: str
    yes: str
    no: str
    sheet: str


_LABELS = {
    "en": Labels(
        page="Page {page} of {pages}",
        total="Total",
        subtotal="Total {group}",
        no_data="No data",
        yes="Yes",
        no="No",
        sheet="Report",
    ),
    "pt": Labels(
        page="Página {page} de {pages}",
        total="Total",
        subtotal="Total {group}",
        no_data="Sem dados",
        yes="Sim",
        no="Não",
        sheet="Relatório",
    ),
    "es": Labels(
        page="Página {page} de {pages}",
        total="Total",
        subtotal="Total {group}",
        no_data="Sin datos",
        yes="Sí",
        no="No",
        sheet="Informe",
    ),
    "fr": Labels(
        page="Page {page} sur {pages}",
        total="Total",
        subtotal="Total {group}",
        no_data="Aucune donnée",
        yes="Oui",
        no="Non",
        sheet="Rapport",
    ),
    "de": Labels(
        page="Seite {page} von {pages}",
        total="Summe",
        subtotal="Summe {group}",
        no_data="Keine Daten",
        yes="Ja",
        no="Nein",
        sheet="Bericht",
    ),
    "it": Labels(
        page="Pagina {page} di {pages}",
        total="Totale",
        subtotal="Totale {group}",
        no_data="Nessun dato",
        yes="Sì",
        no="No",
        sheet="Report",
    ),
}


def labels_for(locale: Locale) -> Labels:
    """The labels in the locale's language, English where there are none."""
    return _LABELS.get(locale.language, _LABELS["en"])
