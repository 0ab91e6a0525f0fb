"""The preview: a page on this machine that an author keeps open beside the editor.

proof.py     what is shown: an issue as it is now, or as it was when it could last be read, and what is wrong since
people.py    as whom: a subscriber, a branch of the personalisation, the longest values
views.py     what a view makes of the mail: a width's HTML, the dark, images off, another program's engine
places.py    where in the HTML stands what the author wrote in a line
weights.py   what weighs how much, and the parts of the message
watching.py  which files matter, and what happens when one is saved
page.py      the author's page and what it asks for; mail.py the mail's own origin
guard.py     who may talk to either of them
server.py    both, on two ports of this machine
snapshot.py  the same views as pictures and files; difference.py against an earlier revision

It is handed what reads and sends by the command line, and knows no settings of its own.
"""
