"""Categories and products of the shop, and what is written on some orders."""

CATEGORIES = (
    "Bicycles",
    "Books",
    "Coffee & Tea",
    "Furniture",
    "Garden",
    "Kitchen",
    "Lighting",
    "Music",
    "Office",
    "Stationery",
    "Textiles",
    "Toys",
)

#: By category: what is sold, and its lowest and highest price in cents.
KINDS: dict[str, tuple[tuple[str, ...], int, int]] = {
    "Bicycles": (("City bike", "Gravel bike", "Saddle", "Chain 11s", "Tyre 28″", "Kids’ bike"), 1990, 249900),
    "Books": (("Atlas", "Cookbook", "Novel", "Poetry", "Dictionary", "Field guide"), 590, 8900),
    "Coffee & Tea": (("Café torrado 500 g", "Earl Grey", "煎茶 100 g", "Yerba mate", "Espresso"), 350, 4900),
    "Furniture": (("Bookshelf", "Chaise longue", "Desk 140 × 70 cm", "Stool", "Table"), 4900, 189900),
    "Garden": (("Hose 25 m", "Lawn edging", "Pot Ø 30 cm", "Rake", "Seeds: Käferbohne"), 190, 12900),
    "Kitchen": (("Crème brûlée set", "Knife 20 cm", "Pan <28 cm>", "Pressure cooker", "Whisk"), 690, 34900),
    "Lighting": (("Desk lamp", "LED strip 5 m", "Pendant ½-sphere", "Torch"), 890, 45900),
    "Music": (("Capo", "Guitar strings .010–.046", "Metronome", "Ukulele"), 490, 69900),
    "Office": (("Monitor arm", "Office chair", "Shredder", "Whiteboard 90 × 60"), 1490, 79900),
    "Stationery": (('Notebook "Dot"', "Fountain pen", "Ink 50 ml", "Paper A4, 500 sheets"), 120, 15900),
    "Textiles": (("Blanket", "Cushion 40 × 40", "Linen sheet", "Towel 100 % cotton"), 990, 24900),
    "Toys": (("Building blocks", "Kite", "Puzzle 1,000 pieces", "Spinning top", "Πάζλ"), 450, 19900),
}
FINISHES = ("", " – black", " – natural", " – red", " – São Paulo edition", " – set of 2", " – set of 6")

STATUSES = ("pending", "paid", "shipped", "delivered", "cancelled", "returned")
#: Out of 100 orders, in the order of STATUSES.
STATUS_WEIGHTS = (6, 10, 14, 60, 6, 4)

SENTENCES = (
    "Please leave the parcel with the neighbour at number 12 if nobody answers the bell.",
    "Entregar somente em horário comercial; a portaria recebe até as 18h.",
    "The customer asked for a single invoice covering this order and the two before it.",
    "Bitte die Rechnung an die Buchhaltung senden, nicht an die Lieferadresse.",
    "Two of the boxes arrived open, photos were sent by e-mail on the same day.",
    "Gift wrapping requested, without any price on the packing slip.",
    "Le client préfère être livré le samedi matin, avant 11 heures.",
    "Discount agreed by phone with the sales team, see ticket #4821.",
    "Просьба позвонить за час до доставки.",
    "Fragile: the glass shade has to be packed separately & upright.",
    "=1+1 was typed into the reference field by the customer and is kept as it is.",
    "Por favor, conferir o CPF na nota: começa com zero.",
    "The lift is out of order until the end of the month; third floor, no lift.",
    "Παρακαλώ παραδώστε στην πίσω είσοδο.",
    "Replacement for an order that was lost in transit; no charge for shipping.",
    "お届けは午後にお願いします。",
    "Customs papers are enclosed in the document pouch on the outside of box 1 of 3.",
)
