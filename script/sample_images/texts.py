"""The words of the pages, written for this project; an empty line ends a paragraph.

Tesseract's English data reads all of it. So there are no apostrophes, quotation marks or dashes, which it
gives back in another shape than the one that was typed, and the German does without umlauts.
"""

LETTER_HEAD = ("Harbour Library", "14 Mill Street", "Westport", "", "3 March 2025")
LETTER = """
Dear Ms Turner,

Thank you for the four boxes of letters that you brought to our reading room last week. We have opened every
envelope, and the paper is in good condition. Only two sheets in the second box are damp, and they are now
drying between layers of cotton.

From Monday we shall scan the letters, about ninety pages a day. Each page is then read by a program, which
turns the picture into text that people can search. Handwriting is still too hard for it, so two of our
volunteers will type those pages by hand.

The work should be finished before the summer. You will receive a copy of all pictures and all text, and the
letters themselves will be kept in a dark and dry room, where visitors may ask to see them.

If you find more letters in the house, please do not sort them or remove any pins. Bring them as they are.
The order in which they were kept often tells us as much as the words do.

With kind regards,

Peter Holm
"""

ENGLISH_TITLE = "Welcome to the Railway Museum"
ENGLISH_NOTICE = """
The museum is open from ten to six. On Monday it is closed. Children under seven pay nothing, and on the
first Sunday of the month nobody pays.

Please leave large bags at the entrance. You may take pictures in all rooms, but not with a flash. The old
steam engine in the hall is warm: please do not touch it.

A train leaves every hour from the small station in the garden. The trip takes twenty minutes.
"""
GERMAN_TITLE = "Willkommen im Museum der Eisenbahn"
GERMAN_NOTICE = """
Das Museum ist von zehn bis sechs Uhr offen. Am Montag ist es geschlossen. Kinder unter sieben Jahren zahlen
nichts, und am ersten Sonntag im Monat zahlt niemand.

Bitte lassen Sie alle Taschen am Eingang. Bilder sind in allen Hallen erlaubt, aber nicht mit Blitz. Die
alte Lokomotive in der Halle ist warm: bitte nicht anfassen.

Jede Stunde kommt ein Zug von der kleinen Station im Garten. Die Fahrt dauert zwanzig Minuten.
"""

NEWSLETTER_TITLE = "The Garden Letter"
NEWSLETTER_LEFT = """
Spring came early this year. By the middle of March the first leaves were out, and the bees had found the
willow beside the pond. We cleaned the tools, mended the fence and counted the pots that the frost had
broken. There were eleven of them.

The new path is ready. It runs from the gate to the old apple trees and is wide enough for a wheelchair.
Nine members carried the gravel in one afternoon, and the bakery sent bread and soup.

Water is our greatest worry. Last summer the tank was empty for six weeks. We have now put two more tanks
behind the shed, and both are full.

Please water in the evening, when the ground is cool, and give the young trees twice as much as the rest.

The tool shed has a new lock. The key hangs in the kitchen of the school, on the hook beside the door, and
whoever takes it writes a name in the green book. Clean the spades before you bring them back.

We thank the fire brigade for the two long ladders. They have made the work in the old pear tree much safer,
and the upper branches were cut for the first time in ten years.
"""
NEWSLETTER_RIGHT = """
Our seed exchange takes place on the last Saturday of April. Bring what you have in paper bags, with the
name and the year on each. Beans and tomatoes are always wanted. Please do not bring seeds from a shop.

The children have their own bed this year. They chose carrots, peas and one very large pumpkin. A sign shows
who waters on which day.

Two hens have joined us. They live beside the compost and eat nearly all the snails they can find. Eggs are
shared among those who clean the house.

The next meeting is on the second Tuesday in May, at seven in the evening, under the big walnut tree. If it
rains we meet in the school. Everybody is welcome.

Three beds are free. They lie at the north wall, where the sun comes late, and are good for lettuce, spinach
and mint. A bed costs thirty a year, water included. Ask any of us at the gate.

From now on this letter appears four times a year. If you have a story, a picture or a question for the next
one, put it into the box at the gate before the first of July.
"""

TABLE_TITLE = "Bicycle Count in Eight Streets"
TABLE_INTRODUCTION = """
Volunteers counted the bicycles that passed between seven and nine in the morning, on the second Thursday of
each month. The numbers below are for one day and both directions.
"""
TABLE = (
    ("Street", "March", "April", "May", "June"),
    ("Market Street", "214", "265", "318", "342"),
    ("Station Road", "487", "530", "596", "611"),
    ("River Walk", "156", "239", "374", "425"),
    ("School Lane", "198", "207", "226", "193"),
    ("Castle Hill", "88", "94", "121", "137"),
    ("North Bridge", "642", "675", "718", "733"),
    ("Garden Street", "73", "105", "149", "162"),
    ("Old Harbour", "311", "358", "402", "476"),
    ("Total", "2169", "2473", "2904", "3079"),
)
TABLE_REMARK = """
School Lane was closed to traffic for two weeks in June. River Walk has been lit at night since the end of
April, and its count has grown more than any other. Castle Hill is steep, which may be why so few people
ride there.
"""

RECIPE_TITLE = "Soup for a Cold Day"
RECIPE = """
For six people you need two onions, four carrots, one small celery root, three potatoes and a handful of red
lentils. Take the vegetables as they come: nothing has to be weighed.

Cut the onions and let them turn golden in a little butter. This takes ten minutes, and it is the most
important step. Then add the carrots and the celery in small pieces, and stir until they shine.

Pour in two litres of water, add the lentils, a bay leaf and some salt, and wait until it boils. Now add the
potatoes and let everything cook gently for half an hour with the lid on.

Before you serve it, remove the leaf and press some of the potatoes against the wall of the pot, so that the
soup becomes thick. Pepper and lemon juice go in last.

It tastes even better on the second day.
"""

RECEIPT_HEAD = ("CORNER BAKERY", "27 Station Road", "Westport", "Receipt 4183", "12 May 2025 at 08:47")
RECEIPT_ITEMS = (
    ("Rye bread", "4.20"),
    ("Butter rolls", "3.60"),
    ("Apple cake", "5.75"),
    ("Black tea", "2.40"),
    ("Orange juice", "3.10"),
    ("Honey jar", "6.90"),
    ("Total EUR", "25.95"),
    ("Cash", "30.00"),
    ("Change", "4.05"),
)
RECEIPT_FOOT = ("Thank you", "See you soon")
