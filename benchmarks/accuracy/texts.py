"""What the pages say, written for this project, with the signs that people really use; an empty line ends a paragraph.

The pages in English that say nothing special are those of script/sample_images.
"""

from typing import Final

ENGLISH: Final = """
The Night Ferry

“Don’t wait for me,” she said, and ran down the steps to pier 7. It was 22:45, and the ferry (a white one, with
two funnels) left at eleven. The ticket cost £38.50; a cabin was £64 more.

Mr O’Neill, the purser, wasn’t surprised: “You’re the ninth tonight. Is that bag all you’ve got?” It was. She
paid in cash, took key #218 and went below. The corridor smelled of paint, coffee & wet rope.

At 6 a.m. the engines stopped. Through the window she could see a harbour she knew from one photograph only:
grey walls, a crane, the letters “A–Z STORES” on a roof. 85% of the people on board were still asleep.
"""

FRENCH: Final = """
Le marché du samedi

Chaque samedi, dès six heures, la place de l’église se remplit. Les maraîchers déchargent leurs cageots : salades,
poireaux, céleri, pommes à cuire. Derrière la fontaine, une dame âgée vend du miel et des œufs frais.

« Goûtez donc ! » crie le fromager en tendant un morceau de chèvre. Le garçon hésite, puis il sourit : c’est
délicieux. Sa mère en achète deux, à 3,80 € la pièce, et demande où l’on trouve les premières fraises.

Vers midi, tout s’arrête. On plie les bâches, on balaie le pavé, et les habitués s’installent au café, où
Noël, le patron, leur sert déjà la soupe. Reçu, payé, à samedi prochain !
"""

GERMAN: Final = """
Die Brücke über den Fluss

Früher gab es hier nur eine Fähre. Wer abends zu spät kam, musste am Ufer übernachten oder laut „Hol über!“ rufen,
bis der Fährmann müde aus seinem Häuschen trat. Für zwölf Pfennige ruderte er dann jeden hinüber.

Im Jahr 1908 wurde die eiserne Brücke eröffnet. Die Bürgermeister größerer Städte schickten Grüße, und die
Schüler sangen. „Jetzt sind wir Nachbarn“, sagte der Müller, der als Erster die Straße überquerte.

Heute fahren täglich 4.300 Autos über die Brücke, außerdem Züge und Fahrräder. Im nächsten Frühjahr wird sie
für ungefähr 2,5 Millionen € erneuert; die Gäste müssen dann wieder die Fähre nehmen.
"""

CHINESE: Final = (
    """
海邊的圖書館

這座圖書館建在港口旁邊，從二樓的窗戶可以看見漁船進出。館內收藏了三萬多冊書籍，其中一半是附近居民捐贈的。

每天早上九點開門，晚上八點關門，星期一休息。讀者憑證件可以借五本書，期限是兩個星期。如果書還沒有讀完，可以打電話續借一次。

去年冬天，屋頂因為颱風受損，雨水流進了地下室。志工們花了整整一個月，把潮濕的舊報紙一張一張攤開晾乾，再逐頁掃描保存。

館長說：「紙會變黃，字會褪色，但是故事應該留下來。」現在，任何人都可以在網路上閱讀這些資料。
""",
    """
夜市的滋味

天色暗下來以後，街道兩旁的燈一盞一盞亮起。賣麵的老闆把湯鍋掀開，白色的熱氣飄向天空，排隊的人越來越多。

小孩拉著祖母的手，想要吃糖葫蘆，也想要玩撈金魚。祖母笑著說：「先吃飽，再去玩。」他們點了兩碗牛肉麵和一盤燙青菜，總共兩百六十元。

隔壁的水果攤堆滿了芒果、鳳梨與西瓜，切好的一盒五十元。再往前走，有人在修理鐘錶，有人在替客人刻印章。

十一點左右，人群慢慢散去，清潔隊開始打掃。明天晚上，同樣的香味又會回到這條街。
""",
)

MIXED_CHINESE: Final = """
會議通知 Meeting Notice

第三次專案會議將於 2025 年 6 月 18 日下午 2:30 在 B 棟 401 會議室舉行，請各部門準時參加。

The agenda is on the server. Please read the report before the meeting and bring your own laptop.

本次會議將討論新版 OCR 系統的測試結果，以及 Linux 主機的更新時間。有問題請寄信到 office@example.com 或撥分機 2108。

Coffee and tea will be served at 4 p.m. in the lobby.
"""

MIXED_LATIN: Final = """
Welcome to the guest house. Breakfast is from seven to ten, and the front door is locked at eleven.

Bienvenue à la maison d’hôtes. Le petit déjeuner est servi de sept à dix heures ; la clé du garage se trouve à
la réception. Bon séjour !

Herzlich willkommen im Gästehaus. Frühstück gibt es von sieben bis zehn Uhr. Bitte schließen Sie abends die Tür
und lassen Sie die Schlüssel für die nächsten Gäste hängen.
"""

WORDS: Final = (
    *("a", "is", "to", "of", "OK", "No", "so", "Go", "it", "we", "up", "the", "and", "Yes", "Add", "New", "Edit"),
    *("File", "View", "Help", "Copy", "Sign in", "Log out", "Cancel", "Submit", "Search", "Delete", "Profile"),
    *("Settings", "Download", "Password", "Continue", "Inbox", "Today", "12:45", "99%", "$4.99", "Page 3", "2025"),
    # No "I" alone: without serifs it is the same print as a small l and an upright stroke.
    *("quickly", "jumping", "Exit", "Zoom", "yellow", "bakery", "No results", "Read more", "Try again", "Thank you"),
)
