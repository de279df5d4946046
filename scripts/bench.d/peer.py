"""The peer of the bench: the same decision service written the usual way in Python.

FastAPI on uvicorn with uvloop and httptools, asyncpg, PyYAML's C loader. Access logs are off, which favours the peer.
Every decision is one INSERT of its own with a commit before the answer leaves: durable, as in the service.
"""

import hashlib
import json
import os
import re
import uuid
from contextlib import asynccontextmanager
from datetime import datetime, timezone

import asyncpg
import yaml
from fastapi import Depends, FastAPI, HTTPException, Request, UploadFile
from fastapi.responses import JSONResponse

TOKEN_DIGEST = hashlib.sha256(os.environ["PEER_TOKEN"].encode()).digest()
LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
SECRET_KEY = re.compile(
    r"(secrets?|password|passwd|passphrase|token|apikey|accesskey|secretkey|privatekey|credentials|connectionstring)$")
REFERENCE = re.compile(r"(vault|secret|secretref|awssm|gcpsm|azurekv|env|file)://|arn:aws:secretsmanager:|\$\{\w+\}$|\{\{.*\}\}$")
TOKEN_VALUE = re.compile(
    r"-----BEGIN [A-Z ]*PRIVATE KEY|AKIA[0-9A-Z]{16}|gh[pousr]_\w{36}|glpat-[\w-]{20}|xox[baprs]-|sk_live_|AIza[\w-]{35}"
    r"|eyJ[\w-]+\.[\w-]+\.[\w-]+|://[^/\s:@]+:[^/\s@]+@")
WILDCARD = re.compile(r"(0+(\.0+){0,3}|0x0+|\*|\[?::0?\]?)?$")
MESSAGES = {
    "PARSE_ERROR": "An artifact could not be parsed",
    "SCHEMA_INVALID": "A required field is missing or malformed",
    "CONFIG_HASH_MISMATCH": "Computed config hash does not match manifest",
    "UNKNOWN_ENV": "The environment is not known",
    "TLS_DISABLED_PROD": "TLS must be enabled in production",
    "PUBLIC_PORT_EXPOSED": "A port binds every address",
    "SECRETS_REF_MISSING": "No secrets_ref is defined",
    "SECRETS_INLINE": "A secret stands in the configuration",
}
INSERT = """INSERT INTO peer_audit (request_id, scenario, decision, reasons, recorded_at, client, endpoint, status,
    policy_version, input_digest) VALUES ($1, 'T1', $2, $3, $4, $5, '/api/v1/validate/migration', $6, 'builtin', $7)"""


@asynccontextmanager
async def lifespan(app: FastAPI):
    app.state.pool = await asyncpg.create_pool(os.environ["PEER_DATABASE_URL"], min_size=8, max_size=8)
    yield
    await app.state.pool.close()


app = FastAPI(lifespan=lifespan, openapi_url=None)


def authenticate(request: Request) -> str:
    scheme, _, token = request.headers.get("authorization", "").partition(" ")
    if scheme.lower() != "bearer" or hashlib.sha256(token.encode()).digest() != TOKEN_DIGEST:
        raise HTTPException(401)
    return "ci"


def inline_secrets(value, key="") -> bool:
    if isinstance(value, dict):
        return any(inline_secrets(inner, str(name)) for name, inner in value.items())
    if isinstance(value, list):
        return any(inline_secrets(inner, key) for inner in value)
    if not isinstance(value, str) or not value.strip():
        return False
    if TOKEN_VALUE.search(value):
        return True
    normalised = key.lower().replace("-", "").replace("_", "")
    return key != "secrets_ref" and bool(SECRET_KEY.search(normalised)) and not REFERENCE.match(value)


def public(port) -> bool:
    if isinstance(port, dict):
        return any(WILDCARD.fullmatch(str(port[name])) for name in ("bind", "host", "address", "host_ip", "ip", "listen")
                   if name in port)
    return isinstance(port, str) and ":" in port and bool(WILDCARD.fullmatch(port.split(":")[0]))


def decide(manifest_bytes: bytes, config_bytes: bytes) -> tuple[int, list[str], str]:
    digest = hashlib.sha256(config_bytes).hexdigest()
    try:
        manifest = json.loads(manifest_bytes)
        config = yaml.load(config_bytes, Loader=LOADER)
    except (ValueError, yaml.YAMLError):
        return 400, ["PARSE_ERROR"], digest
    if not isinstance(manifest, dict) or not isinstance(config, dict):
        return 400, ["SCHEMA_INVALID"], digest
    if any(not isinstance(manifest.get(name), str) or not manifest[name]
           for name in ("app_id", "env", "version", "config_sha256")):
        return 400, ["SCHEMA_INVALID"], digest
    if not isinstance(config.get("tls"), dict) or not isinstance(config.get("ports"), list):
        return 400, ["SCHEMA_INVALID"], digest
    reasons = []
    production = manifest["env"] != "staging"
    if manifest["config_sha256"].strip().lower() != digest:
        reasons.append("CONFIG_HASH_MISMATCH")
    if manifest["env"] not in ("prod", "staging"):
        reasons.append("UNKNOWN_ENV")
    if production and config["tls"].get("enabled") is not True:
        reasons.append("TLS_DISABLED_PROD")
    if production and any(public(port) for port in config["ports"]):
        reasons.append("PUBLIC_PORT_EXPOSED")
    reference = config.get("secrets_ref")
    if not isinstance(reference, str) or not reference.strip():
        reasons.append("SECRETS_REF_MISSING")
    if inline_secrets(config):
        reasons.append("SECRETS_INLINE")
    return 200, reasons, digest


@app.get("/healthz")
async def healthz():
    return JSONResponse({"status": "ok"})


@app.get("/small")
async def small(client: str = Depends(authenticate)):
    return JSONResponse({"request_id": str(uuid.uuid4()), "client": client, "status": "ok",
                         "timestamp": datetime.now(timezone.utc).isoformat()})


@app.post("/api/v1/validate/migration")
async def migration(request: Request, migration_manifest: UploadFile, app_config: UploadFile,
                    client: str = Depends(authenticate)):
    status, codes, digest = decide(await migration_manifest.read(), await app_config.read())
    request_id, now = uuid.uuid4(), datetime.now(timezone.utc)
    decision = "BLOCK" if codes else "ALLOW"
    await request.app.state.pool.execute(
        INSERT, request_id, decision, codes, now, client, status, hashlib.sha256(bytes.fromhex(digest)).digest())
    return JSONResponse({
        "request_id": str(request_id), "decision": decision, "scenario": "T1",
        "reasons": [{"code": code, "message": MESSAGES[code]} for code in codes],
        "artifacts": {"computed_hashes": {"config": digest}}, "timestamp": now.isoformat(),
    }, status_code=status)
