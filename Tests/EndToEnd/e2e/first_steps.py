"""From nothing to a site that visitors see, and a copy of it."""

import json
import time

from .story import equal, eventually, expect, story
from .world import EMAIL, PASSWORD, Environment

STAGING_BODY = {"name": "Staging", "slug": "staging", "type": "staging", "promotion_preset": "content-protect"}


@story("An administrator signs in to a service that knows two nodes")
def sign_in(world):
    world.command("migrate")
    password = world.facts["run"] + "/password"
    with open(password, "w", encoding="utf-8") as file:
        file.write(PASSWORD + "\n")
    world.command("admin", "create", "--email", EMAIL, "--password-file", password)
    for node, facts in zip((world.node, world.second), world.facts["nodes"]):
        world.things[node.name] = world.command(
            "node", "add", "--name", node.name, "--host", node.address, "--ssh-user", facts["ssh_user"], "--ssh-key-file",
            facts["key"], "--host-key-file", facts["host_key"], "--public-ip", node.address)
    world.start()
    equal(world.api.call("GET", "/api/sites").status, 401, "a stranger's request")
    equal(world.api.call("POST", "/api/login", {"email": EMAIL, "password": "not the passphrase"}).status, 401, "a wrong password")
    world.api.log_in(EMAIL, PASSWORD)
    equal(world.api.get("/api/sites"), [], "sites")
    equal({node["name"] for node in world.api.get("/_admin/nodes")}, {world.node.name, world.second.name}, "nodes")


def provision(world, node):
    return world.api.succeed("POST", f"/_admin/nodes/{world.things[node.name]}/provision", seconds=300)


@story("Provisioning through the API makes a bare machine a node, closed except for SSH, HTTP and HTTPS", ["sign_in"])
def provision_node(world):
    started = time.monotonic()
    provision(world, world.node)
    print(f"            provisioned in {time.monotonic() - started:.0f} s", flush=True)
    facts = next(node for node in world.api.get("/_admin/nodes") if node["name"] == world.node.name)
    equal(facts["status"], "active", "status of the node")
    for unit in ("nginx", "mariadb", "redis-server", "fail2ban", "nftables"):
        expect(world.node.holds(f"systemctl is-active --quiet {unit}"), f"{unit} is not active")
    equal(world.node.run("systemctl --failed --no-legend").strip(), "", "failed units")
    world.node.run("systemd-run --quiet --unit=probe-port python3 -m http.server 9999 --directory /usr/share/doc")
    try:
        eventually(lambda: world.node.holds("curl -s -o /dev/null http://127.0.0.1:9999/"), 10, "the probe listens on the node")
        result = world.outside("curl", "-sS", "--max-time", "2", f"http://{world.node.address}:9999/")
        expect(result.returncode != 0, "a port that is none of ours can be reached from outside")
    finally:
        world.node.run("systemctl stop probe-port")
    for port in (3306, 6379):
        attempt = world.outside("timeout", "3", "bash", "-c", f"exec 3<>/dev/tcp/{world.node.address}/{port}")
        expect(attempt.returncode != 0, f"port {port} can be reached from outside")
    expect(world.visit(f"http://{world.node.address}/", world.node) is None, "a host that nobody has is answered")


@story("Provisioning a second time changes nothing", ["provision_node"])
def provision_again(world):
    job = provision(world, world.node)
    changed = [data for kind, data in world.api.events(job["id"]) if kind == "progress" and data.get("event") == "result" and data.get("status") == "changed"]
    equal(changed, [], "tasks that changed something")


@story("A site is created: the right title from outside, MISS, then HIT, and BYPASS for who is signed in", ["provision_node"])
def create_site(world):
    started = time.monotonic()
    job_id = world.api.start("POST", "/api/sites", {"name": "Bread & Butter", "slug": "bread"})
    busy = world.api.job(job_id)
    equal(world.api.get(f"/api/environments/{busy['environment_id']}")["status"], "deploying", "status while it is made")
    job = world.api.finish(job_id)
    equal(job["status"], "succeeded", f"{job['error_message']}")
    production = world.things["production"] = Environment(world, job["environment_id"], world.node)
    world.things["site"] = job["site_id"]
    first = production.visit()
    print(f"            from POST /api/sites to the first page: {time.monotonic() - started:.1f} s", flush=True)
    expect(first, "no page")
    equal(first.status, 200, f"{first}")
    expect("Bread &#038; Butter" in (first.title or "") or "Bread &amp; Butter" in (first.title or ""), f"title: {first.title}")
    production.assert_active()
    production.visit("/?p=1")
    page = production.visit("/?fresh=" + job_id)
    equal(page.cache, "MISS", f"first visit of an address ({page})")
    equal(production.visit("/?fresh=" + job_id).cache, "HIT", "second visit")
    equal(production.visit("/?fresh=" + job_id, cookie="wordpress_logged_in_x=1").cache, "BYPASS", "visit with a session")


@story("Nobody outside reads a site's configuration, runs uploaded PHP, or gets past the request filter", ["create_site"])
def closed_doors(world):
    production = world.things["production"]
    production.node.run(f"printf '<?php echo 6*7;' >{production.root}/shared/uploads/x.php && printf ok >{production.root}/shared/uploads/x.txt"
                        f" && chown {production.user}: {production.root}/shared/uploads/x.*")
    equal(production.visit("/wp-content/uploads/x.txt").body.strip(), "ok", "an uploaded file")
    for path in ("/wp-content/uploads/x.php", "/wp-config.php", "/.git/config", "/.env"):
        page = production.visit(path)
        expect(page is None or page.status in (403, 404, 444), f"{path}: {page}")
    for path, how in {
        "/?id=1+union+select+user_pass+from+wp_users": {}, "/?file=../../../../etc/passwd": {}, "/?x=%3Cscript%3Ealert(1)%3C/script%3E": {},
        "/": {"agent": "sqlmap/1.7"}, "/index.php": {"method": "TRACE"},
    }.items():
        page = production.visit(path, **how)
        expect(page is None or page.status in (400, 403, 405, 444), f"{path} {how}: {page}")
    equal(production.visit("/?s=ordinary+search").status, 200, "an ordinary search")
    for field in ("x-content-type-options", "x-frame-options", "referrer-policy", "permissions-policy"):
        expect(production.visit().field(field), f"{field} is missing")


@story("Two sites lie on two nodes, and neither's users can read the other's files", ["create_site"])
def second_site(world):
    provision(world, world.second)
    job = world.api.succeed("POST", "/api/sites", {"name": "Salt", "slug": "salt"})
    equal(job["node_id"], world.things[world.second.name], "the node of the second site: the one with fewer environments")
    salt = world.things["salt"] = Environment(world, job["environment_id"], world.second)
    expect("Salt" in salt.title(), f"title: {salt.title()}")
    # A third one shares the first node.
    world.api.refused("POST", "/api/sites", {"name": "Again", "slug": "salt"}, reason="slug_taken")


@story("A clone has its own address everywhere, is not indexed and sends no mail", ["create_site"])
def clone(world):
    production = world.things["production"]
    old = production.preview
    production.php(
        f'class Kept {{ public $url; private $more = "{old}/private"; }} $k = new Kept; $k->url = "{old}/é";'
        f'update_option("t_nested", ["a" => "{old}/x", "n" => serialize(["deep" => "{old}/deep"]), "o" => $k, "b" => true, "i" => 5]);'
        f'update_option("t_json", json_encode(["u" => "{old}/j"]));'
        f'wp_insert_post(["post_title" => "Hello 2", "post_content" => "see {old}/page", "post_status" => "publish"]);')
    production.node.run(f"printf picture >{production.root}/shared/uploads/a.jpg && chown {production.user}: {production.root}/shared/uploads/a.jpg")
    staging = world.things["staging"] = make_clone(world, STAGING_BODY)
    page = staging.visit()
    equal(page.status, 200, f"{page}")
    expect(staging.host in page.body and production.host not in page.body, "the page of the copy names the original")
    equal(staging.visit("/wp-content/uploads/a.jpg").body, "picture", "an upload of the original")
    new = staging.preview
    equal(staging.option("siteurl"), new, "siteurl")
    for table, column in (("wp_options", "option_value"), ("wp_posts", "post_content")):
        equal(staging.sql(f"SELECT COUNT(*) FROM {table} WHERE {column} LIKE '%{production.host}%'"), [["0"]], f"old addresses in {table}")
    nested = staging.php('class Kept { public $url; private $more; } $o = get_option("t_nested"); echo json_encode([$o["a"], unserialize($o["n"])["deep"], '
                         '$o["o"]->url, $o["b"], $o["i"], json_decode(get_option("t_json"))->u], JSON_UNESCAPED_SLASHES | JSON_UNESCAPED_UNICODE);')
    equal(nested, f'["{new}/x","{new}/deep","{new}/é",true,5,"{new}/j"]', "serialised values")
    expect("noindex" in page.body, "the copy may be indexed")
    expect("noindex" not in production.visit("/?now=" + new[-8:]).body, "the original may not be indexed")
    sent = staging.php('echo json_encode([get_option("blog_public"), wp_mail("a@example.com", "s", "b")]);')
    equal(sent, '["0",false]', "blog_public and wp_mail of the copy")


def make_clone(world, body):
    job = world.api.succeed("POST", f"/api/sites/{world.things['site']}/environments", body)
    copy = Environment(world, job["environment_id"], world.node)
    copy.assert_active()
    return copy


@story("A name that is being set up is never answered with another site's page", ["second_site", "clone"])
def new_name(world):
    job_id = world.api.start("POST", "/api/sites", {"name": "Pepper", "slug": "pepper"})
    pepper = Environment(world, world.api.job(job_id)["environment_id"], world.second)
    equal(pepper.read()["node_id"], world.things[world.second.name], "its node, where another site is")
    seen = []
    while world.api.job(job_id)["status"] not in ("succeeded", "failed"):
        page = pepper.visit("/")
        if page and page.status == 200:
            seen.append(page.title)
    equal(world.api.job(job_id)["status"], "succeeded", "the job")
    seen.append(pepper.visit("/").title)
    expect(all("Pepper" in (title or "") for title in seen), f"titles of what was answered: {set(seen)}")


@story("An environment's own user reads neither another's files nor its database nor its cache", ["clone"])
def isolation(world):
    production, staging = world.things["production"], world.things["staging"]
    node, me = world.node, f"runuser -u {staging.user} --"
    for file in (f"{production.root}/shared/wp-config.php", f"{production.root}/shared/uploads", f"{production.root}/current/index.php"):
        expect(not node.holds(f"{me} test -r {file}"), f"{staging.user} reads {file}")
    expect(not node.holds(f"runuser -u www-data -- cat {production.root}/shared/wp-config.php"), "the web server reads the configuration")
    expect(not node.holds(f"{me} mariadb {production.database} -e 'SELECT 1'"), f"{staging.user} reads {production.database}")
    seen = staging.php(f'$r = $GLOBALS["wp_object_cache"]; echo wp_using_ext_object_cache() ? "cached" : "not cached";')
    equal(seen, "cached", "the object cache of the copy")
    answers = staging.php(
        '$r = new Redis; $r->connect(TRIVET_REDIS_HOST, TRIVET_REDIS_PORT); $r->auth([TRIVET_REDIS_USER, TRIVET_REDIS_PASSWORD]);'
        'function ask($r, ...$words) { try { $r->rawCommand(...$words); return "done"; }'
        ' catch (RedisException $e) { return explode(" ", $e->getMessage())[0]; } }'
        f'echo json_encode([ask($r, "SET", "trivet_{staging.id}:probe", "1"), ask($r, "GET", "trivet_{production.id}:probe"),'
        'ask($r, "KEYS", "*"), ask($r, "FLUSHALL"), ask($r, "CONFIG", "GET", "*")]);')
    equal(json.loads(answers), ["done", "NOPERM", "NOPERM", "NOPERM", "NOPERM"], "own key, another's, all keys, emptying, settings")


@story("A visitor who guesses passwords is locked out, and the control plane is not", ["create_site"])
def locked_out(world):
    production = world.things["production"]

    def guess():
        page = production.visit("/wp-login.php", data="log=admin&pwd=guess", seconds=3)
        return page is None

    for _ in range(5):
        guess()
    try:
        eventually(guess, 30, "the guesser is refused", pause=0.5)
        expect(world.node.holds("true"), "the control plane is locked out, too")
    finally:
        world.node.run("fail2ban-client unban --all")
    eventually(lambda: production.visit(), 20, "the visitor is let in again")
