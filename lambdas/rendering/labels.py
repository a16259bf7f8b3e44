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
    charts: str
    other: str
    about: str
    created: str
    language: str
    rows: str
    column: str
    change: str
    count: str
    first_row: str
    detail: str
    nothing_changed: str


_LABELS = {
    "en": Labels(
        page="Page {page} of {pages}",
        total="Total",
        subtotal="Total {group}",
        no_data="No data",
        yes="Yes",
        no="No",
        sheet="Report",
        charts="Charts",
        other="Other",
        about="About this report",
        created="Created",
        language="Language",
        rows="Rows",
        column="Column",
        change="Change",
        count="Count",
        first_row="First row",
        detail="Detail",
        nothing_changed="Every value is as it was in the source.",
    ),
    "pt": Labels(
        page="Página {page} de {pages}",
        total="Total",
        subtotal="Total {group}",
        no_data="Sem dados",
        yes="Sim",
        no="Não",
        sheet="Relatório",
        charts="Gráficos",
        other="Outros",
        about="Sobre este relatório",
        created="Criado em",
        language="Idioma",
        rows="Linhas",
        column="Coluna",
        change="Mudança",
        count="Quantidade",
        first_row="Primeira linha",
        detail="Detalhe",
        nothing_changed="Todos os valores estão como na origem.",
    ),
    "es": Labels(
        page="Página {page} de {pages}",
        total="Total",
        subtotal="Total {group}",
        no_data="Sin datos",
        yes="Sí",
        no="No",
        sheet="Informe",
        charts="Gráficos",
        other="Otros",
        about="Acerca de este informe",
        created="Creado",
        language="Idioma",
        rows="Filas",
        column="Columna",
        change="Cambio",
        count="Cantidad",
        first_row="Primera fila",
        detail="Detalle",
        nothing_changed="Todos los valores están como en el origen.",
    ),
    "fr": Labels(
        page="Page {page} sur {pages}",
        total="Total",
        subtotal="Total {group}",
        no_data="Aucune donnée",
        yes="Oui",
        no="Non",
        sheet="Rapport",
        charts="Graphiques",
        other="Autres",
        about="À propos de ce rapport",
        created="Créé le",
        language="Langue",
        rows="Lignes",
        column="Colonne",
        change="Modification",
        count="Nombre",
        first_row="Première ligne",
        detail="Détail",
        nothing_changed="Toutes les valeurs sont celles de la source.",
    ),
    "de": Labels(
        page="Seite {page} von {pages}",
        total="Summe",
        subtotal="Summe {group}",
        no_data="Keine Daten",
        yes="Ja",
        no="Nein",
        sheet="Bericht",
        charts="Diagramme",
        other="Sonstige",
        about="Über diesen Bericht",
        created="Erstellt",
        language="Sprache",
        rows="Zeilen",
        column="Spalte",
        change="Änderung",
        count="Anzahl",
        first_row="Erste Zeile",
        detail="Einzelheit",
        nothing_changed="Alle Werte sind wie in der Quelle.",
    ),
    "it": Labels(
        page="Pagina {page} di {pages}",
        total="Totale",
        subtotal="Totale {group}",
        no_data="Nessun dato",
        yes="Sì",
        no="No",
        sheet="Report",
        charts="Grafici",
        other="Altro",
        about="Informazioni sul report",
        created="Creato",
        language="Lingua",
        rows="Righe",
        column="Colonna",
        change="Modifica",
        count="Numero",
        first_row="Prima riga",
        detail="Dettaglio",
        nothing_changed="Tutti i valori sono come nell'origine.",
    ),
}


def labels_for(locale: Locale) -> Labels:
    """The labels in the locale's language, English where there are none."""
    return _LABELS.get(locale.language, _LABELS["en"])
