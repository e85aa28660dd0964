"""The demo issuer for docker compose: `python issuer.py` makes key and key set, `python issuer.py DEALER` a token."""

import sys
from pathlib import Path

from roadbook_cli.issuer import SCOPES, Issuer

issuer = Issuer(Path("/issuer"))
issuer.ensure()
issuer.jwks.chmod(0o644)
if len(sys.argv) > 1:
    scopes = [scope for scope in SCOPES if scope != "network:all"]
    print(issuer.sign(subject="compose-demo", scopes=scopes, dealer=sys.argv[1]))
