"""What is wrong with a page of pixels, and how it is mended: light, grain, slope, perspective. The only user of OpenCV.

Each module answers one question, from one small grey look at the page that all share (`look.py`), and says nothing when
it is unsure: a page that is left alone is read as well as before. Pages are grey, dark on light.
"""
