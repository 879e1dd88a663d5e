"""The words of the lexicon: tables of (strength, "term; term; ..."), read by `lexicon.py`.

A strength is in [-1, 1]: 0.9 all but settles a headline, 0.3 tilts it. Words are written as the
tokeniser leaves them: small letters, `-` as a space, every number as `#`. Names of coins and
projects that are also words (Optimism, Harmony, Celsius) are left out.
"""

from __future__ import annotations

from typing import TypeAlias

Table: TypeAlias = tuple[tuple[float, str], ...]

# Terms whose meaning for the price needs no other word.
BULLISH: Table = (
    (
        0.9,
        "all time high; all time highs; new ath; hits ath; record high; record highs; "
        "etf approved; etf approval; etfs approved; etf approvals; approves spot; bull run; "
        "approves bitcoin etf; approves ether etf; approves ethereum etf; to the moon; "
        "legal tender; bull market; golden cross; strong buy; parabolic",
    ),
    (
        0.7,
        "bullish; bulls; uptrend; breakout; breaks out; short squeeze; mooning; ath; higher high; "
        "price target raised; target raised; pt raised; raises price target; raises target; "
        "upgraded to; upgrades to buy; initiated at buy; outperform; outperforms; outperformed; "
        "lawsuit dismissed; case dismissed; charges dropped; drops lawsuit; ban lifted; lifts ban; "
        "ban overturned; drops case; drops charges; wins lawsuit; wins case; legal victory; "
        "strategic reserve; buys bitcoin; buys more; buys dip; buy the dip; bought the dip; "
        "bitcoin treasury; raises guidance; raises forecast; raises dividend; beats estimates; "
        "tops estimates; beats on; eps beats; revenue beats; better than expected; "
        "outpaces; funds recovered; recovers funds; returns funds; bought the bottom",
    ),
    (
        0.5,
        "accumulate; accumulates; accumulating; accumulation; adopts; adopted; adopting; halving; "
        "partners with; partnership; partnerships; teams up; inks deal; strategic investment; "
        "institutional demand; institutional interest; stacking; buyback; buybacks; "
        "token burn; burns; burned; burn; approved; approves; approval; greenlights; green light; "
        "rebound; rebounds; rebounded; rebounding; recover; recovers; recovered; bounce; bounces; "
        "bouncing; bounced; rally; rallies; rallied; rallying; optimistic; upbeat; buy signal; "
        "overweight; undervalued; oversold; dovish; rate cut; rate cuts; soft landing; upside; "
        "upgraded; beats; tops; record profit; record revenue; record volume; breakthrough; "
        "in the green; turns green; flips resistance; breaks above; breaks resistance; "
        "break above; above resistance; bottomed; bottomed out; going long; bought calls; "
        "call buying; higher low; higher lows; raised guidance; whale buys; whales buy; "
        "whales accumulate; exchange outflows; leaving exchanges; lists on; listed on; "
        "gets listed; will list; coinbase listing; binance listing; wins; victory; reinstated; "
        "back on track; game changer; licence granted; gets license; secures license; "
        "legalize; legalizes; legalized; "
        "month high; year high; week high; record close; "
        "wins approval; gets approval; receives approval; secures approval; wins license; "
        "resumes withdrawals; restores; restored; mass adoption; mainstream adoption; "
        "reverse losses; reverses losses; trims losses; trims loss; pares losses; erases losses; "
        "losses narrow; worries recede; fears recede; fears ease; out of a slump; deficit narrows",
    ),
    (
        0.3,
        "mainnet launch; launches mainnet; goes live; integrates; integration; integrated; "
        "milestone; raises #; raised #; secures #; funding round; backs; backed by; endorses; "
        "expands; expansion; support for; supports; accepts bitcoin; accept bitcoin; "
        "accepts crypto; accept crypto; "
        "boost; boosts; boosted; strengthens; strong; stronger; solid; positive; growth; "
        "optimism about; optimism over; hope; hopes; hopeful; confident; confidence; profitable; "
        "leads; wins over; success; successful; successfully; innovative; milestone; unveils; "
        "launches; launch; introduces; rolls out; upgrade; upgrades; airdrop; hodl; hold strong; "
        "resilient; resilience; stabilizes; stabilises; calms; eases; relief; steady; "
        "supply shock; "
        "buying opportunity; bargain; demand zone; support holds; buy; buys; buying; bought; "
        "bull; winner; winners; best; nice; good; great; excellent; impressive; "
        "pro crypto; crypto friendly; bitcoin friendly; clarity; doubles down; "
        "wants to buy; plans to buy; adds support; opens up",
    ),
)
BEARISH: Table = (
    (
        -0.9,
        "rug pull; rug pulls; rug pulled; rugged; exit scam; ponzi; pyramid scheme; hacked; "
        "exploited; insolvent; insolvency; bankrupt; bankruptcy; chapter #; chapter eleven; "
        "halts withdrawals; suspends withdrawals; pauses withdrawals; freezes withdrawals; "
        "halted withdrawals; suspended withdrawals; paused withdrawals; frozen withdrawals; "
        "halt withdrawals; pause withdrawals; freeze withdrawals; suspend withdrawals; "
        "withdrawals halted; withdrawals suspended; withdrawals paused; withdrawals frozen; "
        "depeg; depegs; depegged; loses peg; lost its peg; death spiral; bank run; bear market; "
        "death cross; capitulation; capitulates; bloodbath; flash loan attack; # attack; drained; "
        "steal; steals; stolen; stole; goes to zero; goes bust; wiped out; to zero; "
        "etf rejected; rejects etf; etf denied; etf rejection; strong sell; "
        "rejects spot; denies spot",
    ),
    (
        -0.7,
        "bearish; bears; downtrend; breakdown; breaks down; liquidated; margin call; "
        "margin calls; selloff; sell off; sell offs; selloffs; meltdown; default; defaults; "
        "defaulted; fraud; fraudulent; indicted; arrested; arrest; arrests; convicted; "
        "pleads guilty; guilty; sentenced; jailed; prison; delist; delists; delisted; delisting; "
        "delistings; price target cut; target cut; pt cut; cuts price target; cuts target; "
        "downgraded; downgrade; downgrades; underperform; underperforms; lower low; lower lows; "
        "misses estimates; misses on; eps misses; revenue misses; misses by; worse than expected; "
        "cuts guidance; lowers guidance; cuts forecast; cuts outlook; profit warning; "
        "cuts dividend; approval denied; denies approval; application denied; "
        "application rejected; phishing; malware; ransomware; drainer; backdoor; crypto winter; "
        "bans; banned; ban; outlaws; outlawed; crackdown; sanctioned; money laundering; "
        "loses support; breaks support; breaks below; break below; collapsed; imploded; "
        "implosion; implodes; shuts down; shutting down; shut down; ceases operations; "
        "cease and desist; wind down; winds down; crash landing",
    ),
    (
        -0.5,
        "sues; sued; sue; lawsuit; lawsuits; charged with; charges against; sec charges; "
        "probe; probes; probed; investigation; investigates; investigating; subpoena; subpoenas; "
        "subpoenaed; fined; fine of; penalty; illegal; illegally; unlawful; outage; outages; "
        "vulnerability; vulnerabilities; attacker; attackers; hackers; hacker; scammers; "
        "compromised; breach; breached; raid; raids; raided; seized; seizes; "
        "dump; dumps; dumped; dumping; panic; panics; fud; layoffs; lays off; laid off; job cuts; "
        "month low; year low; week low; misses; missed; miss; rate hike; rate hikes; "
        "hawkish; recession; stagflation; contagion; "
        "warns; warn; warned; warning; overvalued; overbought; bubble; sell signal; underweight; "
        "sell the news; token unlock; unlocks; dilution; equity offering; stock offering; "
        "lower high; lower highs; below support; rejected; rejects; rejection; going short; "
        "bought puts; put buying; whale dumps; whales sell; exchange inflows; struggles; "
        "struggle; struggling; struggled; suffers; suffered; suffer; fails; failed; failure; "
        "lowest; record low; record lows; record loss; record losses; worst; crisis; backlash; "
        "fake; impersonates; deceived; misled; victims; victim; abandons; abandoned; "
        "abandon; halts; halted; suspends; suspended; stops trading; in the red; turns red; "
        "quits; resigns; steps down; ousted; loses; lost; lose; losing; negative; pullback; "
        "correction; weakness; weakening; weakens; weak; under pressure; headwinds; "
        "bleeding; bleeds; "
        "trim gains; trims gains; pare gains; pares gains; erases gains; erase gains; gives up; "
        "give up; given back; from highs; from high; out of steam; withdraws guidance; "
        "below forecast; below estimates; fail near; "
        "fails near; failing near; fail again; slashed; slashes; dividend cut; halved; "
        "cut to; cuts to; cut at; lowered to; pulls out; pulls back; withdraws from; rate hiking",
    ),
    (
        -0.3,
        "delays; delayed; delay; postponed; postpones; concerns; concern; worries; worried; "
        "doubts; doubt; skeptical; uncertain; uncertainty; risky; danger; dangerous; "
        "volatile; turmoil; trouble; troubled; woes; pain; painful; tension; tensions; "
        "cautious; caution; stuck; stalls; stalled; slows; slowdown; slowing; congestion; "
        "resistance; oversupply; sell; sells; selling; sold; short; shorts; shorting; bear; "
        "puts; dip; dips; dipped; lows; tax hike; tightening; restricts; "
        "restrictions; restriction; blocks; blocked; criticizes; slams; slammed; blasts; "
        "controversy; controversial; dispute; accuses; accused; allegations; alleges; "
        "alleged; bad; ugly; disappointing; disappoints; disappointed; "
        "offering; faces; hurdles; hurdle; pessimistic; gloomy; grim; dead; dead cat; no demand; "
        "bug; glitch; downtime; unstable; war; coronavirus",
    ),
)

# Movements: good or bad by what moves. Alone they speak of the price; next to a noun of the tables
# below they speak of the noun ("fees fall", "surge in liquidations").
MOVEMENTS: Table = (
    (
        0.8,
        "soar; soars; soared; soaring; skyrocket; skyrockets; skyrocketed; skyrocketing; surge; "
        "surges; surged; surging; explodes higher; doubles; triples; doubled; tripled",
    ),
    (
        0.6,
        "rise; rises; rose; rising; jump; jumps; jumped; jumping; spike; spikes; spiked; climb; "
        "climbs; climbed; climbing; gain; gains; gained; gaining; higher; up #; up premarket; "
        "up after; shares up; sales up; pump; pumps; pumped; pumping; reclaims; reclaim; "
        "reclaimed; advances; highest; ticks up; moves up; highs",
    ),
    (0.4, "increase; increases; increased; increasing; grow; grows; grew; growing; expand; above"),
    (
        -0.8,
        "plunge; plunges; plunged; plunging; crash; crashes; crashed; crashing; plummet; "
        "plummets; plummeted; plummeting; tumble; tumbles; tumbled; tumbling; collapse; "
        "collapses; collapsing; nosedive; nosedives; tank; tanks; tanked; tanking; sinks; sank; "
        "dives; slump; slumps; slumped; slumping; craters; freefall; free fall",
    ),
    (
        -0.6,
        "fall; falls; fell; fallen; falling; drop; drops; dropped; dropping; decline; declines; "
        "declined; declining; slide; slides; slid; sliding; slip; slips; slipped; slipping; "
        "down #; "
        "down premarket; down after; shares down; sales down; lower; retreats; sheds; "
        "shed; ticks down; moves down; sinking; nears low",
    ),
    (
        -0.4,
        "decrease; decreases; decreased; decreasing; shrinks; shrink; shrinking; below; dwindle",
    ),
)
# Nouns that a movement acts on: a rise of these is good ...
GOODS: Table = (
    (
        0.3,
        "profit; profits; revenue; revenues; adoption; inflow; inflows; demand; hashrate; "
        "hash rate; hash power; active addresses; usage; tvl; earnings; guidance; dividend; "
        "users; holders; interest in bitcoin; interest in crypto",
    ),
)
# ... and a rise of these is bad.
BURDENS: Table = (
    (
        -0.8,
        "hack; hacks; exploit; exploits; heist; theft; thefts; scam; scams; rug; attack; attacks",
    ),
    (
        -0.6,
        "liquidation; liquidations; outflow; outflows; losses; loss; crime; fear; fears; debt; "
        "complaints; sanctions",
    ),
    (-0.3, "inflation; fees; gas fees; costs; unemployment; risk; risks; volatility; cpi; deficit"),
)

# A factor on the terms of the next few words: below 0 turns them round.
SHIFTERS: Table = (
    (
        -0.6,
        "not; no; never; none; neither; nor; without; isn't; aren't; wasn't; weren't; doesn't; "
        "don't; didn't; won't; wouldn't; can't; cannot; couldn't; hasn't; haven't; hadn't; "
        "shouldn't; ain't; no longer; not yet; hardly; fails to; failed to; fail to; failing to; "
        "unable to; denies; deny; denying; refutes; refute; refuted; debunks; "
        "dismisses; rules out; avoid; avoids; averts; prevents; prevent; "
        "prevented; stops; stop; ends; end of; lack of; lacks; rebuffs; combat; combats; fight; "
        "fights; tackle; tackles; protects; against; anti; loses a; instead of; far from; "
        "never been this",
    ),
    (-0.2, "despite; shrugs off; defies; recovering from; recovers from"),
    (0.6, "may; might; could; if; rumor; rumors; rumour; rumours; reportedly; ahead of; awaits"),
    (0.4, "why; how; what; whether; lessons"),
)
# A negation that follows its term: "hack denied", "ban lifted", "approval revoked".
AFTERTHOUGHTS: Table = (
    (-0.6, "lifted; dismissed; denied; averted; overturned; debunked; patched; revoked; avoided"),
)
# Words that would read as shifters, and are not.
IDIOMS: Table = (
    (
        0.8,
        "have never been this bullish; never been this bullish; never been better; "
        "never been more bullish; regains peg; regain peg; never been higher; can't stop",
    ),
    (0.4, "no surprise; why not; not only; not just; against the odds; no brainer"),
    (-0.3, "no bounce; no recovery"),
    (
        0.0,
        "nft drop; nft drops; red bull; bull or bear; listing and delisting; rise and fall; "
        "fear and greed; fear greed; short term; long and short; bull and bear; merkle root; "
        "range highs; range lows",
    ),
)
# A factor on the strength of the terms of the next two words.
INTENSIFIERS: Table = (
    (
        1.4,
        "very; extremely; massive; massively; huge; hugely; sharply; sharp; heavily; strongly; "
        "biggest; major; historic; unprecedented; aggressively; significantly; steep; steeply; "
        "super; fully; severe; severely; another; big",
    ),
    (
        0.6,
        "slightly; slight; somewhat; mildly; mild; modest; modestly; minor; small; little; "
        "potential; possible; possibly; partially; cautiously; briefly; nearly; almost; a bit",
    ),
)
# Where the reach of a shifter ends.
BREAKS: Table = ((0.0, ". ; ! ; ? ; , ; : ; but; however; although; though; while; yet"),)
