"""Words of a question that carry no meaning of their own: English, German, French and Spanish; case folded."""

STOP_WORDS = frozenset(
    "a about after again all also am an and any are as at be been before but by can could did do does for from "
    "had has have how i if in into is it its just many may me more most much my no not of on one ones only or "
    "other our please same should so some such than that the their them then there these they this those to too "
    "us very was we were what when where which while who whom whose why will with would you your tell give show "
    "long often aber als auch auf aus bei bis da das dass dem den der des die du ein eine einem einen einer er es "
    "für hat ich ihr ihre ihren im ist kann man mit nach nicht noch oder sein seine sich sie sind über um und uns "
    "von vor wann warum welche welcher welches wem wen wer wie wird wo zu zum zur viel viele lange au aux ce ces "
    "cette combien comment dans de elle en est et il la le les leur ou où par pour quand que quel quelle qui sa "
    "se ses son sont sur un une à al como con cual cuando cuanto cuánto cuál cómo del donde dónde el ella los las "
    "lo por qué su sus una y".split()
)
