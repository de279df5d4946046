"""Code, copies and names of a site that lives."""

import io
import json
import os
import subprocess
import tarfile
import tempfile
import zipfile

from .first_steps import make_clone
from .story import equal, eventually, expect, story
from .world import sha256_of

MARKER = "<?php add_action('send_headers', function () {{ header('X-Release: {0}'); }});\n"


def tar(path, members):
    """A tar.gz of names and texts (or TarInfo objects for what is unusual)."""
    with tarfile.open(path, "w:gz") as archive:
        for name, content in members.items():
            if isinstance(content, tarfile.TarInfo):
                archive.addfile(content)
                continue
            data = content if isinstance(content, bytes) else content.encode()
            info = tarfile.TarInfo(name)
            info.size = len(data)
            archive.addfile(info, io.BytesIO(data))


def repository(world, name, files, branch="main"):
    """A bare repository on the peers' server with one more commit that holds these files; its address."""
    bare = os.path.join(world.peers["web"]["root"], "git", name)
    environment = {**os.environ, "GIT_AUTHOR_NAME": "A", "GIT_AUTHOR_EMAIL": "a@example.com", "GIT_COMMITTER_NAME": "A",
                   "GIT_COMMITTER_EMAIL": "a@example.com", "GIT_CONFIG_GLOBAL": "/dev/null"}

    def git(*arguments, cwd):
        subprocess.run(["git", *arguments], cwd=cwd, env=environment, check=True, capture_output=True)

    if not os.path.isdir(bare):
        os.makedirs(bare)
        git("init", "--quiet", "--bare", f"--initial-branch={branch}", cwd=bare)
    with tempfile.TemporaryDirectory() as work:
        git("init", "--quiet", f"--initial-branch={branch}", cwd=work)
        for path, content in files.items():
            os.makedirs(os.path.dirname(os.path.join(work, path)), exist_ok=True)
            with open(os.path.join(work, path), "w", encoding="utf-8") as file:
                file.write(content)
        git("add", "-A", cwd=work)
        git("commit", "--quiet", "-m", "State", cwd=work)
        git("push", "--quiet", "--force", bare, f"HEAD:{branch}", cwd=work)
    return f"{world.peers['web']['url']}/git/{name}"


def backup(world, environment, scope):
    """A backup made through the API, as the API describes it."""
    job = world.api.succeed("POST", f"{environment.path}/backups", {"backup_scope": scope})
    made = next(item for item in world.api.get(f"{environment.path}/backups") if item["status"] == "completed")
    equal(made["backup_scope"], scope, f"scope of the newest backup ({job['id']})")
    return made


def members(path):
    with tarfile.open(path, "r:gz") as archive:
        return archive.getnames()


@story("Code is deployed from git and from an uploaded archive; the old releases stay", ["clone"])
def deploy(world):
    staging = world.things["staging"]
    before = staging.release()
    source = repository(world, "site.git", {"mu-plugins/marker.php": MARKER.format("git")})
    world.api.succeed("POST", f"{staging.path}/deploy", {"source_type": "git", "source_ref": source})
    equal(staging.visit("/?after=git").field("x-release"), "git", "marker of the release")
    branch = repository(world, "site.git", {"mu-plugins/marker.php": MARKER.format("branch")}, branch="next")
    world.api.succeed("POST", f"{staging.path}/deploy", {"source_type": "git", "source_ref": branch + "#next"})
    equal(staging.visit("/?after=branch").field("x-release"), "branch", "marker of the branch's release")
    with tempfile.NamedTemporaryFile() as file:
        tar(file.name, {"mu-plugins/marker.php": MARKER.format("upload")})
        source = world.store("uploads/release.tar.gz", file.name)
    world.api.succeed("POST", f"{staging.path}/deploy", {"source_type": "upload", "source_ref": source})
    equal(staging.visit().field("x-release"), "upload", "marker of the archive's release, on a page that was cached")
    expect(os.path.basename(before) in staging.releases(), f"the first release is gone: {staging.releases()}")
    equal(staging.newest_job("health_check")["status"], "succeeded", "the check after it")
    staging.assert_active()
    expect(world.things["production"].visit().field("x-release") is None, "production has the release of its copy")


@story("A release that does not work is found by the health check and rolled back; the old page is served", ["deploy"])
def broken_release(world):
    staging = world.things["staging"]
    before = staging.release()
    source = repository(world, "site.git", {
        "mu-plugins/marker.php": MARKER.format("broken"),
        "mu-plugins/broken.php": "<?php add_action('template_redirect', function () { wp_die('out of order', '', 500); });\n"})
    job = world.api.succeed("POST", f"{staging.path}/deploy", {"source_type": "git", "source_ref": source})
    equal(staging.newest_job("release_rollback")["status"], "succeeded", "the rollback")
    equal(staging.newest_job("health_check")["status"], "succeeded", "a check that found trouble is a check that worked")
    expect(staging.newest_job("health_check")["created_at"] > job["created_at"], "no check followed the deployment")
    equal(staging.release(), before, "the release that is served")
    page = staging.visit()
    equal((page.status, page.field("x-release")), (200, "upload"), f"the page ({page})")
    staging.assert_active()


@story("Code with a syntax error, or from nowhere, never gets in: the job fails and the old page is served", ["broken_release"])
def refused_release(world):
    staging = world.things["staging"]
    source = repository(world, "site.git", {"mu-plugins/marker.php": "<?php function ("})
    job = world.api.fail("POST", f"{staging.path}/deploy", {"source_type": "git", "source_ref": source})
    equal(job["error_code"], "ANSIBLE_HOST_FAILED", f"{job}")
    expect("syntax error" in job["error_message"], job["error_message"])
    equal(staging.read()["status"], "failed", "status of the environment")
    equal(staging.visit().field("x-release"), "upload", "marker of the release that is served")
    # What is not active has no sign-in link, and takes no other order.
    world.api.refused("POST", f"{staging.path}/magic-login", status=409, code="environment_not_active")
    world.api.refused("POST", f"{staging.path}/cache/purge", reason="environment_state")
    reset(world, staging)


def reset(world, environment):
    """The operator's way out of `failed`."""
    for path in (f"{environment.path}/reset", f"/api/sites/{environment.site_id}/reset"):
        answer = world.api.call("POST", path)
        if answer.status != 409 or answer.json["code"] != "resource_not_failed":
            equal(answer.status, 200, f"{path} ({answer})")
    environment.assert_active()


@story("Backups of a database, of files and of both lie in the store with the checksum that the API tells", ["clone"])
def backups(world):
    production = world.things["production"]
    for scope, has, has_not in (("db", ["db.sql"], "files/"), ("files", ["files/uploads/a.jpg"], "db.sql"), ("full", ["db.sql", "files/uploads/a.jpg"], None)):
        made = backup(world, production, scope)
        stored = world.object(made["storage_path"])
        equal("sha256:" + sha256_of(stored), made["checksum"], f"checksum of the stored {scope}")
        equal(os.path.getsize(stored), made["size_bytes"], "size")
        names = members(stored)
        for name in has:
            expect(name in names, f"{name} is not in the backup of {scope}")
        expect(has_not is None or not any(name.startswith(has_not) for name in names), f"{has_not} is in the backup of {scope}")
        world.things[f"backup {scope}"] = made


@story("What was destroyed comes back by a restore, and nothing else changes", ["backups"])
def restore(world):
    production, staging = world.things["production"], world.things["staging"]
    other = staging.title()
    production.sql("DROP TABLE wp_posts; UPDATE wp_options SET option_value = 'broken' WHERE option_name = 'blogname'")
    production.node.run(f"rm -rf {production.root}/shared/uploads/*")
    world.api.succeed("POST", f"{production.path}/restore", {"backup_id": world.things["backup full"]["id"]}, seconds=240)
    expect("Bread" in production.title(), f"title: {production.title()}")
    equal(production.sql("SELECT COUNT(*) FROM wp_posts WHERE post_title = 'Hello 2'"), [["1"]], "the post")
    equal(production.visit("/wp-content/uploads/a.jpg").body, "picture", "the upload")
    production.assert_active()
    equal(staging.title(), other, "title of the copy")
    snapshot = next(item for item in world.api.get(f"{production.path}/backups") if item["status"] == "completed")
    expect(snapshot["id"] != world.things["backup full"]["id"], "no snapshot was taken before the restore")


@story("A backup that was tampered with is refused before anything is touched", ["restore"])
def tampered_backup(world):
    production = world.things["production"]
    made = backup(world, production, "db")
    stored = world.object(made["storage_path"])
    with open(stored, "r+b") as file:
        file.seek(-9, os.SEEK_END)
        byte = file.read(1)
        file.seek(-9, os.SEEK_END)
        file.write(bytes([byte[0] ^ 1]))
    job = world.api.fail("POST", f"{production.path}/restore", {"backup_id": made["id"]}, seconds=240)
    expect("checksum" in job["error_message"], job["error_message"])
    expect("Bread" in production.title(), "the page is gone")
    reset(world, production)


@story("A new WordPress comes by an update, with a snapshot taken before it", ["restore"])
def update(world):
    production = world.things["production"]
    was = production.php('echo $GLOBALS["wp_version"];')
    newer = was + ".1"
    archive = os.path.join(world.facts["run"], "wordpress-newer.tar.gz")
    with tempfile.TemporaryDirectory() as work:
        subprocess.run(["tar", "-xzf", world.facts["wordpress"]["archive"], "-C", work], check=True)
        version = os.path.join(work, "wordpress/wp-includes/version.php")
        with open(version, encoding="utf-8") as file:
            text = file.read()
        with open(version, "w", encoding="utf-8") as file:
            file.write(text.replace(f"'{was}'", f"'{newer}'"))
        subprocess.run(["tar", "-czf", archive, "-C", work, "wordpress"], check=True)
    world.restart(TRIVET_WORDPRESS_SOURCE=archive, TRIVET_WORDPRESS_SHA256=sha256_of(archive))
    before = len(world.api.get(f"{production.path}/backups"))
    # The newest full backup is older than the last change: the update takes one first.
    world.api.succeed("POST", f"{production.path}/updates", {"scope": "core"}, seconds=240)
    equal(production.php('echo $GLOBALS["wp_version"];'), newer, "the version that runs")
    taken = world.api.get(f"{production.path}/backups")
    equal((len(taken), taken[0]["status"], taken[0]["backup_scope"]), (before + 1, "completed", "full"), "the snapshot")
    expect(production.visit("/?after=update").status == 200, "no page after the update")
    production.assert_active()


PLUGIN = "<?php\n/* Plugin Name: Crumbs\nVersion: {0} */\nadd_action('send_headers', function () {{ header('X-Crumbs: {0}'); }});\n"


@story("A plugin is updated from its makers; where they cannot be reached, the job fails and the site stays", ["update"])
def update_plugin(world):
    production, updates = world.things["production"], world.peers["updates"]["root"]
    source = repository(world, "crumbs.git", {"plugins/crumbs/crumbs.php": PLUGIN.format("1.0")})
    world.api.succeed("POST", f"{production.path}/deploy", {"source_type": "git", "source_ref": source})
    production.php('require ABSPATH . "wp-admin/includes/plugin.php"; activate_plugin("crumbs/crumbs.php");')
    equal(production.visit("/?crumbs=1").field("x-crumbs"), "1.0", "the plugin")
    with zipfile.ZipFile(os.path.join(updates, "crumbs.zip"), "w") as archive:
        archive.writestr("crumbs/crumbs.php", PLUGIN.format("2.0"))
    os.makedirs(os.path.join(updates, "plugins/update-check"))
    with open(os.path.join(updates, "plugins/update-check/1.1.answer"), "w", encoding="utf-8") as file:
        json.dump({"plugins": {"crumbs/crumbs.php": {
            "id": "crumbs", "slug": "crumbs", "plugin": "crumbs/crumbs.php", "new_version": "2.0", "url": "http://api.wordpress.org/",
            "package": "http://api.wordpress.org/crumbs.zip"}}, "translations": [], "no_update": []}, file)
    world.dns("api.wordpress.org", world.peers["address"])
    world.api.succeed("POST", f"{production.path}/updates", {"scope": "plugins"}, seconds=240)
    equal(production.visit("/?crumbs=2").field("x-crumbs"), "2.0", "the plugin after its update")
    world.dns("api.wordpress.org", "203.0.113.1")
    job = world.api.fail("POST", f"{production.path}/updates", {"scope": "plugins"}, seconds=600)
    expect("update service" in job["error_message"], job["error_message"])
    world.dns("api.wordpress.org", world.peers["address"])
    equal(production.visit("/?crumbs=3").field("x-crumbs"), "2.0", "the plugin that is served")
    reset(world, production)


ORDERS = """
CREATE TABLE IF NOT EXISTS wp_wc_orders (id BIGINT PRIMARY KEY, status VARCHAR(20), total DECIMAL(26,8));
CREATE TABLE IF NOT EXISTS wp_wc_orders_meta (id BIGINT PRIMARY KEY AUTO_INCREMENT, order_id BIGINT, meta_key VARCHAR(255), meta_value LONGTEXT);
CREATE TABLE IF NOT EXISTS wp_woocommerce_order_items (order_item_id BIGINT PRIMARY KEY AUTO_INCREMENT, order_item_name TEXT, order_id BIGINT);
CREATE TABLE IF NOT EXISTS wp_woocommerce_order_itemmeta (meta_id BIGINT PRIMARY KEY AUTO_INCREMENT, order_item_id BIGINT, meta_key VARCHAR(255), meta_value LONGTEXT);
CREATE TABLE IF NOT EXISTS wp_wc_order_stats (order_id BIGINT PRIMARY KEY, status VARCHAR(20));
CREATE TABLE IF NOT EXISTS wp_wc_customer_lookup (customer_id BIGINT PRIMARY KEY, email VARCHAR(100));
INSERT INTO wp_wc_orders VALUES (1, 'wc-processing', 19.90), (2, 'wc-completed', 7.00);
INSERT INTO wp_wc_orders_meta (order_id, meta_key, meta_value) VALUES (1, 'a', 'é'), (2, 'b', NULL);
INSERT INTO wp_woocommerce_order_items (order_item_name, order_id) VALUES ('Bread', 1), ('Butter', 2);
INSERT INTO wp_woocommerce_order_itemmeta (order_item_id, meta_key, meta_value) VALUES (1, '_qty', '2');
INSERT INTO wp_wc_order_stats VALUES (1, 'wc-processing'), (2, 'wc-completed');
INSERT INTO wp_wc_customer_lookup VALUES (1, 'customer@example.com');
INSERT INTO wp_posts (ID, post_type, post_status, post_title, post_content, post_excerpt, to_ping, pinged, post_content_filtered, post_date)
VALUES (9001, 'shop_order', 'wc-completed', 'Old order', '', '', '', '', '', '2026-01-01');
INSERT INTO wp_postmeta (post_id, meta_key, meta_value) VALUES (9001, '_order_total', '12.00');
"""
CONTENT = ["posts", "postmeta", "terms", "term_taxonomy", "term_relationships", "comments", "commentmeta"]
COMMERCE = ["wc_orders", "wc_orders_meta", "woocommerce_order_items", "woocommerce_order_itemmeta", "wc_order_stats", "wc_customer_lookup"]


def rows(environment, tables):
    """Everything in these tables, row by row."""
    return {name: sorted(environment.sql(f"SELECT * FROM wp_{name}")) for name in tables}


@story("A promotion is refused without a drift check, and without a fresh backup", ["restore"])
def promotion_gates(world):
    production = world.things["production"]
    production.sql(ORDERS)
    shop = world.things["shop"] = make_clone(
        world, {"name": "Shop", "slug": "shop", "type": "staging", "promotion_preset": "commerce-protect"})
    order = {"target_environment_id": production.id}
    world.api.refused("POST", f"{shop.path}/promote", order, reason="drift_gate_unmet")
    world.api.succeed("POST", f"{shop.path}/drift-check")
    equal(shop.read()["drift_status"], "clean", "drift of a copy whose original nobody touched")
    world.api.refused("POST", f"{shop.path}/promote", order, reason="backup_gate_unmet")


@story("A promotion takes code and settings along and leaves orders of a shop, old and new, row for row", ["promotion_gates"])
def promote_commerce(world):
    production, shop = world.things["production"], world.things["shop"]
    source = repository(world, "shop.git", {"mu-plugins/shop.php": MARKER.format("shop")})
    world.api.succeed("POST", f"{shop.path}/deploy", {"source_type": "git", "source_ref": source})
    shop.php('update_option("blogname", "Bread & Butter, promoted");')
    shop.sql("UPDATE wp_wc_orders SET total = 1; DELETE FROM wp_woocommerce_order_items; DELETE FROM wp_posts WHERE ID = 9001;"
             "INSERT INTO wp_wc_orders VALUES (99, 'wc-test', 1)")
    shop.node.run(f"rm -f {shop.root}/shared/uploads/a.jpg")
    world.api.succeed("POST", f"{shop.path}/drift-check")
    backup(world, production, "full")
    before = rows(production, CONTENT + COMMERCE)
    world.api.succeed("POST", f"{shop.path}/promote", {"target_environment_id": production.id}, seconds=240)
    after = rows(production, CONTENT + COMMERCE)
    for name, was in before.items():
        equal(after[name], was, f"rows of {name}")
    page = production.visit("/?after=promotion")
    equal((page.status, page.field("x-release")), (200, "shop"), f"{page}")
    expect("promoted" in page.title, f"title: {page.title}")
    expect(shop.host not in page.body, "the promoted page names the copy")
    equal(production.visit("/wp-content/uploads/a.jpg").body, "picture", "an upload of production")
    production.assert_active()
    equal(shop.read()["drift_status"], "unknown", "drift after the promotion")


@story("A live order makes production drift, and a drifted copy cannot be promoted", ["promote_commerce"])
def drift(world):
    production = world.things["production"]
    copy = world.things["content"] = make_clone(
        world, {"name": "Content", "slug": "content", "type": "clone", "promotion_preset": "content-protect"})
    world.api.succeed("POST", f"{copy.path}/drift-check")
    equal(copy.read()["drift_status"], "clean", "drift of a fresh copy")
    copy.php('wp_update_post(["ID" => 1, "post_title" => "Written in the copy"]); update_option("blogdescription", "From the copy");')
    backup(world, production, "full")
    before = rows(production, CONTENT)
    world.api.succeed("POST", f"{copy.path}/promote", {"target_environment_id": production.id}, seconds=240)
    equal(rows(production, CONTENT), before, "content of production after a promotion that protects content")
    equal(production.option("blogdescription"), "From the copy", "a setting that the promotion takes along")
    # Now somebody buys something.
    production.sql("INSERT INTO wp_postmeta (post_id, meta_key, meta_value) VALUES (9001, '_paid_date', '2026-02-02')")
    world.api.succeed("POST", f"{copy.path}/drift-check")
    equal(copy.read()["drift_status"], "drifted", "drift after a live order")
    backup(world, production, "full")
    world.api.refused("POST", f"{copy.path}/promote", {"target_environment_id": production.id}, reason="drift_gate_unmet")


@story("A purge empties one environment's caches and leaves the other's alone", ["clone"])
def purge(world):
    production, staging = world.things["production"], world.things["staging"]
    for environment in (production, staging):
        environment.visit("/?purged=1")
        equal(environment.visit("/?purged=1").cache, "HIT", "a second visit")
    world.api.succeed("POST", f"{staging.path}/cache/purge")
    equal(staging.visit("/?purged=1").cache, "MISS", "a visit after the purge")
    equal(production.visit("/?purged=1").cache, "HIT", "a visit of the other environment")


@story("Both caches can be switched off and on, each by itself", ["purge"])
def cache_switches(world):
    staging = world.things["staging"]
    world.api.succeed("PATCH", f"{staging.path}/cache", {"fastcgi_cache_enabled": False})
    for _ in range(2):
        expect(staging.visit("/?switched=1").cache in (None, "BYPASS"), "the page cache is still on")
    equal(staging.php('echo (int) wp_using_ext_object_cache();'), "1", "the object cache, which nobody switched")
    world.api.succeed("PATCH", f"{staging.path}/cache", {"redis_cache_enabled": False, "fastcgi_cache_enabled": True})
    equal(staging.php('echo (int) wp_using_ext_object_cache();'), "0", "the object cache")
    staging.visit("/?switched=2")
    equal(staging.visit("/?switched=2").cache, "HIT", "the page cache, on again")
    world.api.succeed("PATCH", f"{staging.path}/cache", {"redis_cache_enabled": True})
    equal(staging.php('echo (int) wp_using_ext_object_cache();'), "1", "the object cache, on again")
    world.node.run("systemctl stop redis-server.service")
    try:
        equal(staging.visit("/?without=redis").status, 200, "a page without Redis")
    finally:
        world.node.run("systemctl start redis-server.service")


@story("A domain gets its certificate, the second one redirects to it, and without them the preview address is back", ["clone"])
def domains(world):
    staging, root = world.things["staging"], world.acme_root()
    world.api.succeed("POST", f"{staging.path}/domains", {"hostname": "shop.example.test"}, seconds=240)
    page = world.visit("https://shop.example.test/", world.node, ca=root)
    expect(page, "no page over TLS that the authority vouches for")
    equal(page.status, 200, f"{page}")
    expect("https://shop.example.test" in page.body and staging.host not in page.body, "the page names another address")
    plain = world.visit("http://shop.example.test/", world.node)
    equal((plain.status, plain.field("location")), (301, "https://shop.example.test/"), f"plain HTTP ({plain})")
    world.api.succeed("POST", f"{staging.path}/domains", {"hostname": "www.example.test"}, seconds=240)
    second = world.visit("https://www.example.test/about?x=1", world.node, ca=root)
    equal((second.status, second.field("location")), (301, "https://shop.example.test/about?x=1"), f"{second}")
    listed = {item["hostname"]: item for item in world.api.get(f"{staging.path}/domains")}
    equal({name: item["tls_status"] for name, item in listed.items()}, {"shop.example.test": "active", "www.example.test": "active"}, "domains")
    equal(staging.read()["primary_domain_id"], listed["shop.example.test"]["id"], "the primary domain")
    world.api.refused("POST", f"{world.things['production'].path}/domains", {"hostname": "SHOP.example.test."}, reason="hostname_taken")
    for name in ("shop.example.test", "www.example.test"):
        world.api.succeed("DELETE", f"/api/domains/{listed[name]['id']}", seconds=240)
    equal(world.api.get(f"{staging.path}/domains"), [], "domains after their removal")
    expect(world.visit("https://shop.example.test/", world.node, ca=root) is None, "the domain still answers")
    page = staging.visit("/?after=domains")
    equal(page.status, 200, f"{page}")
    expect(staging.host in page.body and "shop.example.test" not in page.body, "the page still names the domain")


@story("A domain that leads elsewhere is refused with the record to create", ["clone"])
def wrong_dns(world):
    staging = world.things["staging"]
    world.dns("elsewhere.example.test", "203.0.113.9")
    job = world.api.fail("POST", f"{staging.path}/domains", {"hostname": "elsewhere.example.test"}, seconds=240)
    equal(job["error_code"], "ANSIBLE_HOST_FAILED", f"{job}")
    for word in ("elsewhere.example.test", "203.0.113.9", world.node.address, "A record"):
        expect(word in job["error_message"], f"{word} is not in the message: {job['error_message']}")
    domain = world.api.get(f"{staging.path}/domains")[0]
    equal(domain["tls_status"], "failed", "status of the domain")
    equal(staging.read()["status"], "active", "status of the environment")
    world.api.succeed("DELETE", f"/api/domains/{domain['id']}")


@story("A sign-in link works once, for a minute, and opens the dashboard", ["clone"])
def magic_login(world):
    production = world.things["production"]

    def link():
        answer = world.api.call("POST", f"{production.path}/magic-login")
        equal(answer.status, 200, f"{answer}")
        equal(answer.headers.get("Cache-Control"), "no-store", "Cache-Control")
        expect(answer.json["login_url"].startswith(production.preview + "/"), f"{answer}")
        return answer.json["login_url"]

    url = link()
    page = world.visit(url, world.node)
    equal(page.status, 302, f"{page}")
    expect(page.field("location").startswith(production.preview + "/wp-admin/"), f"{page}")
    cookies = "; ".join(value.split(";")[0] for name, value in page.fields if name == "set-cookie" and "=+" not in value)
    dashboard = production.visit("/wp-admin/", cookie=cookies)
    equal(dashboard.status, 200, f"{dashboard}")
    expect("Dashboard" in dashboard.title, f"title: {dashboard.title}")
    equal(world.visit(url, world.node).status, 403, "the link, a second time")
    url = link()
    # Sixty seconds pass.
    production.sql("UPDATE wp_options SET option_value = CONCAT(SUBSTRING_INDEX(option_value, ':', 1) - 61, ':', SUBSTRING_INDEX(option_value, ':', -1))"
                   " WHERE option_name LIKE '\\\\_trivet\\\\_login\\\\_%'")
    equal(world.visit(url, world.node).status, 403, "the link after a minute")
    token = url.rsplit("=", 1)[1]
    expect(token not in world.log_tail(1 << 22), "the token is in the service's log")


@story("A site moves in from an archive: its content under the new address", ["backups", "second_site"])
def move_in(world):
    salt = world.things["salt"]
    with open(world.object(world.things["backup full"]["storage_path"]), "rb") as file:
        data = file.read()

    def build(path):
        with open(path, "wb") as out:
            out.write(data)

    url = world.publish("archives/bread.tar.gz", build)
    world.api.refused("POST", f"/api/sites/{salt.site_id}/import", {"archive_url": url.replace("https:", "http:")}, status=400)
    world.api.succeed("POST", f"/api/sites/{salt.site_id}/import", {"archive_url": url}, seconds=300)
    page = salt.visit("/?after=import")
    equal(page.status, 200, f"{page}")
    expect("Bread" in page.title, f"title: {page.title}")
    expect(salt.host in page.body and world.things["production"].host not in page.body, "the page names the address it came from")
    equal(salt.visit("/wp-content/uploads/a.jpg").body, "picture", "an upload that came along")
    salt.assert_active()


def link_out():
    info = tarfile.TarInfo("files/out")
    info.type, info.linkname = tarfile.SYMTYPE, "../../../../etc"
    return info


@story("An archive with a way out, or one that unpacks without end, is refused, and nothing changes", ["move_in"])
def hostile_archives(world):
    salt = world.things["salt"]
    title, release = salt.title(), salt.release()
    bomb = bytes(96 << 20)
    for name, content, reason in (
            ("parent", {"db.sql": "SELECT 1;", "files/index.php": "<?php", "../../../../../../root/escaped": "out"}, "parent step"),
            ("link", {"db.sql": "SELECT 1;", "files/index.php": "<?php", "files/out": link_out()}, "leaves the archive"),
            ("bomb", {"db.sql": "SELECT 1;", "files/zeros": bomb}, "times its size")):
        url = world.publish(f"archives/{name}.tar.gz", lambda path, content=content: tar(path, content))
        job = world.api.fail("POST", f"/api/sites/{salt.site_id}/import", {"archive_url": url}, seconds=300)
        equal(job["error_code"], "ANSIBLE_HOST_FAILED", f"{job}")
        expect(reason in job["error_message"], f"{name}: {job['error_message']}")
        equal((salt.title(), salt.release()), (title, release), f"what is served after {name}")
        expect(not world.second.holds("test -e /root/escaped"), "a file was written outside")
        reset(world, salt)


@story("Backups past their time are deleted from the store, others are kept", ["backups"])
def retention(world):
    production, old, kept = world.things["production"], world.things["backup db"], world.things["backup files"]
    world.control_database(f"UPDATE backups SET retention_until = now() - interval '1 minute' WHERE id = '{old['id']}'")
    # The scheduler's next round finds it.
    eventually(lambda: state(world, production, old) == "expired", 120, "the old backup is expired")
    world.api.settle(production.site_id)
    expect(not os.path.exists(world.object(old["storage_path"])), "the object is still there")
    equal(state(world, production, kept), "completed", "a backup whose time has not come")
    expect(os.path.exists(world.object(kept["storage_path"])), "an object was deleted before its time")


def state(world, environment, which):
    return next(item["status"] for item in world.api.get(f"{environment.path}/backups") if item["id"] == which["id"])
