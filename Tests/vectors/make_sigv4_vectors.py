#!/usr/bin/env python3
"""Writes sigv4.json: requests and the signatures that botocore gives them. Needs the package botocore.

Run again only to add cases; the committed file is what the tests read.
"""

import datetime
import json
import pathlib
import random
import urllib.parse

import botocore.auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials

ACCESS_KEY, SECRET_KEY = "AKIDEXAMPLE", "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY"


def encode(text, safe):
    return urllib.parse.quote(text, safe=safe + "-_.~")


def vector(random_source, presigned):
    alphabet = list("abcXYZ019-_.~ !*'()+=&%$@:,;ü€😀") + ["%2F"]
    word = lambda low, high: "".join(random_source.choices(alphabet, k=random_source.randint(low, high)))
    path = "/" + "/".join(["bucket"] + [word(1, 12) for _ in range(random_source.randint(1, 4))])
    names = random_source.sample(["prefix", "list-type", "Key", "x", "x-id", "ünicode", "a b"], random_source.randint(0, 4))
    query = [(name, word(0, 8)) for name in names]
    host = random_source.choice(["s3.example.com", "127.0.0.1:9000", "store.internal:8443"])
    headers = [("Host", host)]
    if random_source.random() < 0.5:
        headers.append(("Content-Type", random_source.choice(["text/plain", "application/x-tar;  a=b"])))
    if random_source.random() < 0.5:
        headers.append(("x-amz-meta-note", "  two   blanks\tand a tab "))
    method = random_source.choice(["GET", "PUT", "HEAD", "DELETE"])
    body = b"" if presigned else word(0, 40).encode()
    time = datetime.datetime(2020, 1, 1, tzinfo=datetime.timezone.utc) + datetime.timedelta(
        seconds=random_source.randrange(10 * 365 * 86400))
    region = random_source.choice(["us-east-1", "eu-west-3", "garage"])
    seconds = random_source.randrange(1, 604801)

    botocore.auth.get_current_datetime = lambda remove_tzinfo=True: time.replace(tzinfo=None)
    url = "https://" + host + encode(path, "/")
    if query:
        url += "?" + "&".join(encode(name, "") + "=" + encode(value, "") for name, value in query)
    request = AWSRequest(method=method, url=url, headers=dict(headers), data=body)
    credentials = Credentials(ACCESS_KEY, SECRET_KEY)
    result = {
        "method": method, "path": path, "query": query, "headers": headers, "body": body.decode(),
        "time": time.strftime("%Y-%m-%dT%H:%M:%SZ"), "region": region,
    }
    if presigned:
        botocore.auth.S3SigV4QueryAuth(credentials, "s3", region, expires=seconds).add_auth(request)
        signed = dict(urllib.parse.parse_qsl(urllib.parse.urlsplit(request.url).query, keep_blank_values=True))
        return result | {"presigned_seconds": seconds, "signature": signed["X-Amz-Signature"]}
    botocore.auth.S3SigV4Auth(credentials, "s3", region).add_auth(request)
    return result | {"signature": request.headers["Authorization"].rpartition("Signature=")[2]}


def main():
    random_source = random.Random(4)
    vectors = [vector(random_source, number % 3 == 0) for number in range(60)]
    target = pathlib.Path(__file__).with_name("sigv4.json")
    content = {"access_key": ACCESS_KEY, "secret_key": SECRET_KEY, "vectors": vectors}
    target.write_text(json.dumps(content, indent=1, ensure_ascii=False) + "\n")


if __name__ == "__main__":
    main()
