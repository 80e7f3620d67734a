/** The look of the customer's page, served as a file of its own so that its policy needs no exception. */
export const linkStyle = `:root{color-scheme:light dark;--back:#f4f6f9;--surface:#fff;--text:#18202d;--muted:#566072;--line:#dfe4ec;--accent:#1f5fd0;--on-accent:#fff;--good:#12663e;--good-back:#e6f5ec;--warn:#7d4600;--warn-back:#fff4e2}
@media (prefers-color-scheme:dark){:root{--back:#10141a;--surface:#181d25;--text:#e9ecf1;--muted:#a6afbe;--line:#313946;--accent:#8db4ff;--on-accent:#0b1a36;--good:#7fd9a8;--good-back:#173125;--warn:#f3c684;--warn-back:#33281a}}
*{box-sizing:border-box}
body{margin:0;font:16px/1.55 system-ui,-apple-system,"Segoe UI",Roboto,sans-serif;color:var(--text);background:var(--back);overflow-wrap:anywhere}
header,main,footer{max-width:42rem;margin:0 auto;padding:0 max(1.25rem,env(safe-area-inset-right)) 0 max(1.25rem,env(safe-area-inset-left))}
header{padding-top:1.5rem}
header p{margin:0;font-weight:600;color:var(--muted)}
h1{margin:.25rem 0 1.25rem;font-size:1.75rem;line-height:1.2;letter-spacing:-.015em}
h1 span{display:block}
h2{margin:2rem 0 .75rem;font-size:1.125rem}
p{margin:0 0 .75rem}
main:only-child{padding-top:15vh}
a{color:var(--accent)}
.state{padding:1.25rem;border:1px solid var(--line);border-left:5px solid var(--accent);border-radius:10px;background:var(--surface)}
.state h2{margin:0 0 .25rem}
.state>:last-child{margin-bottom:0}
.state.done{border-left-color:var(--good);background:var(--good-back)}
.state.trouble{border-left-color:var(--warn);background:var(--warn-back)}
.button{display:inline-flex;align-items:center;justify-content:center;min-height:44px;padding:.5rem 1.25rem;border:0;border-radius:8px;font:inherit;font-weight:600;color:var(--on-accent);background:var(--accent);text-decoration:none;cursor:pointer}
form{margin-top:1rem}
form p{margin:.75rem 0 0}
:focus-visible{outline:3px solid var(--accent);outline-offset:2px}
.steps{padding-left:1.5rem}
.steps li{margin:.5rem 0}
.records{list-style:none;margin:0;padding:0;display:grid;gap:.875rem}
.record{padding:.875rem 1.125rem;border:1px solid var(--line);border-radius:10px;background:var(--surface)}
.kind{display:flex;flex-wrap:wrap;gap:.25rem .75rem;justify-content:space-between;align-items:baseline}
.finding{padding:.125rem .625rem;border-radius:1rem;font-size:.875rem;color:var(--muted);background:var(--back)}
.found .finding{color:var(--good);background:var(--good-back)}
.found .finding::before{content:"\\2713  "}
.hint{margin:0 0 .5rem;font-size:.9375rem;color:var(--muted)}
dl{margin:0}
dl>div{padding:.5rem 0;border-top:1px solid var(--line)}
dt{font-size:.8125rem;color:var(--muted)}
dd{margin:0}
code{font:500 .9375rem/1.5 ui-monospace,SFMono-Regular,Menlo,Consolas,monospace;user-select:all}
.full{display:block;font-size:.8125rem;color:var(--muted)}
.records+.hint{margin-top:1rem}
footer{padding-top:1.5rem;padding-bottom:max(2rem,env(safe-area-inset-bottom));font-size:.875rem;color:var(--muted)}
.unseen{position:absolute;width:1px;height:1px;overflow:hidden;clip-path:inset(50%);white-space:nowrap}
`
