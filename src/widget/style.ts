/** Colours of one look; `line` separates, `edge` bounds what can be typed into or pressed (contrast of 3, WCAG 1.4.11). */
const light =
  "--surface:#fff;--raised:#f5f7fa;--text:#18202d;--muted:#566072;--line:#e1e5ec;--edge:#858e9e;--accent:#1f5fd0;--on-accent:#fff;--good:#12663e;--good-back:#e6f5ec;--warn:#7d4600;--warn-back:#fff4e2;--shade:#0c1424a6"
const dark =
  "--surface:#161a21;--raised:#1f252e;--text:#e9ecf1;--muted:#a6afbe;--line:#313946;--edge:#758094;--accent:#8db4ff;--on-accent:#0b1a36;--good:#7fd9a8;--good-back:#173125;--warn:#f3c684;--warn-back:#33281a;--shade:#000000b3"

/**
 * The whole look, in one sheet for the shadow root. A page may set `--connect-domain-accent`, `--connect-domain-on-accent`, `--connect-domain-surface`,
 * `--connect-domain-text`, `--connect-domain-radius` and `--connect-domain-font`.
 */
export const style = `
:host{all:initial}
*,*::before,*::after{box-sizing:border-box}
[hidden]{display:none!important}
dialog{${light};color-scheme:light}
dialog[data-theme=dark]{${dark};color-scheme:dark}
@media (prefers-color-scheme:dark){dialog[data-theme=auto]{${dark};color-scheme:dark}}
dialog{--tone:var(--connect-domain-accent,var(--accent));--on-tone:var(--connect-domain-on-accent,var(--on-accent));--round:var(--connect-domain-radius,14px);
position:fixed;inset:0;margin:auto;padding:0;border:0;width:min(35rem,calc(100vw - 2rem));max-width:none;height:fit-content;max-height:min(46rem,calc(100dvh - 3rem));overflow:hidden;
color:var(--connect-domain-text,var(--text));background:var(--connect-domain-surface,var(--surface));border-radius:var(--round);
font:400 16px/1.5 var(--connect-domain-font,system-ui,-apple-system,"Segoe UI",Roboto,sans-serif);box-shadow:0 1.5rem 4rem #0008,0 0 0 1px #8883;text-align:start}
dialog[open]{display:flex;flex-direction:column}
dialog::backdrop{background:var(--shade)}
.sheet{display:flex;flex-direction:column;min-height:0;flex:1 1 auto}
.top{display:flex;align-items:center;gap:.5rem;padding:.625rem .75rem 0 1.5rem;min-height:3.25rem}
.top div{flex:1;min-width:0}
.top p{margin:0;font-size:.8125rem;color:var(--muted);overflow:hidden;text-overflow:ellipsis;white-space:nowrap}
.body{padding:.25rem 1.5rem 1.5rem;overflow-y:auto;overscroll-behavior:contain;min-height:0;outline-offset:-3px}
.foot{display:flex;flex-wrap:wrap-reverse;justify-content:flex-end;gap:.75rem;padding:1rem 1.5rem;border-top:1px solid var(--line)}
.foot:empty{display:none}
h2{margin:0 0 .5rem;font-size:1.375rem;line-height:1.25;font-weight:650;letter-spacing:-.01em;overflow-wrap:anywhere}
h2:focus{outline:none}
h3{margin:1.25rem 0 .5rem;font-size:.9375rem;font-weight:650}
p{margin:0 0 .75rem}
.muted{color:var(--muted);font-size:.9375rem}
.unseen{position:absolute;width:1px;height:1px;margin:-1px;overflow:hidden;clip-path:inset(50%);white-space:nowrap}
.icon{width:1.25rem;height:1.25rem;flex:none;fill:none;stroke:currentColor;stroke-width:1.75;stroke-linecap:round;stroke-linejoin:round}
.button{display:inline-flex;align-items:center;justify-content:center;gap:.5rem;min-height:44px;min-width:44px;padding:.5rem 1.125rem;border:1px solid transparent;border-radius:calc(var(--round)*.6);
font:inherit;font-weight:550;color:inherit;background:none;text-decoration:none;cursor:pointer;text-align:center}
.primary{background:var(--tone);color:var(--on-tone)}
.secondary{border-color:var(--edge)}
.plain{padding-inline:.75rem;color:var(--tone)}
.plain.square{padding:0;color:var(--muted)}
.button:hover{filter:brightness(1.06)}
.secondary:hover,.plain:hover{background:var(--raised);filter:none}
.button[aria-disabled=true]{cursor:progress;opacity:.75}
:focus-visible{outline:3px solid var(--tone);outline-offset:2px}
label{display:block;font-weight:550;margin:1rem 0 .375rem}
input,select{display:block;width:100%;min-height:48px;padding:.5rem .875rem;font:inherit;color:inherit;background:var(--connect-domain-surface,var(--surface));border:1px solid var(--edge);border-radius:calc(var(--round)*.6)}
input::placeholder{color:var(--muted);opacity:1}
input[aria-invalid=true]{border-color:var(--warn)}
.hint{margin:.5rem 0 0;font-size:.875rem;color:var(--muted)}
.note{display:flex;gap:.625rem;margin:.75rem 0;padding:.75rem .875rem;border-radius:calc(var(--round)*.6);background:var(--raised);font-size:.9375rem;overflow-wrap:anywhere}
.note p{margin:0}
.note p+p{margin-top:.25rem}
.note.warn{background:var(--warn-back)}
.note.warn .icon{color:var(--warn)}
.note>div{min-width:0;flex:1}
.note .button{margin-top:.625rem}
.records{list-style:none;margin:1rem 0 0;padding:0;display:grid;gap:.75rem}
.record{border:1px solid var(--line);border-radius:calc(var(--round)*.7);overflow:hidden}
.record.found{border-color:var(--good)}
.record>.kind{display:flex;align-items:center;gap:.625rem;padding:.5rem .875rem;background:var(--raised);font-size:.875rem}
.kind b{font-weight:650}
.kind span{margin-inline-start:auto}
dl{margin:0;padding:.25rem .875rem}
dl>div{padding:.375rem 0}
dl>div+div{border-top:1px solid var(--line)}
dl>.small{display:flex;gap:.5rem;align-items:baseline;font-size:.875rem}
dt{font-size:.8125rem;color:var(--muted)}
dd{margin:0;overflow-wrap:anywhere}
dd.with{display:flex;align-items:center;justify-content:space-between;gap:.75rem}
dd.with>span{min-width:0}
code{font:500 .875rem/1.45 ui-monospace,SFMono-Regular,Menlo,Consolas,monospace;user-select:all}
.full{display:block;font-size:.8125rem;color:var(--muted)}
.copy{font-size:.875rem;padding-inline:.625rem;margin-inline-end:-.375rem;flex:none}
.copy .icon{width:1rem;height:1rem}
.steps{list-style:none;margin:1rem 0 0;padding:0}
.steps li{display:flex;gap:.75rem;padding:.75rem 0;border-top:1px solid var(--line)}
.steps li:first-child{border-top:0}
.steps li>div{min-width:0;flex:1}
.steps b{font-weight:600;overflow-wrap:anywhere}
.steps p{margin:0;font-size:.875rem;color:var(--muted);overflow-wrap:anywhere}
.badge{display:grid;place-items:center;width:1.75rem;height:1.75rem;flex:none;border-radius:50%;color:var(--muted);background:var(--raised)}
.badge .icon{width:1rem;height:1rem}
.found .badge,.badge.good{color:var(--good);background:var(--good-back)}
.badge.large{width:3.5rem;height:3.5rem;margin:0 0 1rem}
.badge.large .icon{width:1.75rem;height:1.75rem}
.badge.warn{color:var(--warn);background:var(--warn-back)}
.bar{height:4px;margin:1rem 0;border-radius:2px;background:var(--line);overflow:hidden}
.bar::after{content:"";display:block;width:35%;height:100%;border-radius:2px;background:var(--tone);animation:slide 1.4s ease-in-out infinite}
dialog:has(.overlay){min-height:20rem}
.overlay{position:absolute;inset:0;display:grid;place-items:center;padding:1.5rem;background:var(--shade);border-radius:inherit;overflow:auto}
.card{width:min(24rem,100%);padding:1.5rem;background:var(--connect-domain-surface,var(--surface));border-radius:var(--round);box-shadow:0 1rem 2rem #0006}
.card .foot{padding:.75rem 0 0;border:0}
.offscreen{position:absolute;inset:0 auto auto 0;opacity:0;pointer-events:none}
@keyframes slide{from{transform:translateX(-110%)}to{transform:translateX(300%)}}
@keyframes rise{from{transform:translateY(1.25rem);opacity:0}}
@keyframes fade{from{opacity:0}}
dialog[open]{animation:rise .22s ease-out}
dialog::backdrop{animation:fade .2s}
@media (max-width:36rem){
dialog{inset:auto 0 0;margin:0;width:100vw;max-height:calc(100dvh - 1.5rem - env(safe-area-inset-top));min-height:22rem;border-radius:var(--round) var(--round) 0 0}
.top{padding:.5rem calc(.5rem + env(safe-area-inset-right)) 0 calc(1.125rem + env(safe-area-inset-left))}
.body{padding:.25rem calc(1.125rem + env(safe-area-inset-right)) 1.25rem calc(1.125rem + env(safe-area-inset-left));flex:1}
.foot{padding:.875rem calc(1.125rem + env(safe-area-inset-right)) calc(.875rem + env(safe-area-inset-bottom)) calc(1.125rem + env(safe-area-inset-left))}
.foot .button{flex:1 1 auto}
.overlay{padding:1rem 1rem calc(1rem + env(safe-area-inset-bottom));place-items:end stretch}
.card{width:auto}
}
@media (prefers-reduced-motion:reduce){dialog[open],dialog::backdrop{animation:none}.bar::after{animation-duration:6s}}
@media (forced-colors:active){.button,.record,.card,.badge{border:1px solid}}
`
