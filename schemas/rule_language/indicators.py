"""The indicators of pandas-ta-classic that a rule may name: parameters, outputs, limits, cost.

Data only; its format: `indicator_row.row_of`. A test computes every row with the library, at its
defaults and at both ends of its limits: on 300 candles each output without `?` has a value.

Left out is what needs a second series (beta, correl, mavp, long_run, short_run, tsignals,
xsignals), what has no value of its own at a candle (vp, tos_stdevall), a calendar's days (cpr), and
`ma`, which only chooses among others. Sums without a window (OBV, AD) begin at the first of the
300 candles, so that only their changes mean something.
"""

from __future__ import annotations

from schemas.rule_language.indicator_row import CANDLES_KEPT, Parameter, Row, row_of

__all__ = ["CANDLES_KEPT", "INDICATORS", "Parameter", "Row"]

_TABLE = """
# averages
ALMA|c|length=10:2..250 sigma=6.0:0.5..20 distribution_offset=0.85:0..1|ALMA|1|Arnaud Legoux \
moving average
AVGPRICE|ohlc||AVGPRICE|1|mean of open, high, low and close
DEMA|c|length=10:2..150|DEMA|1|double exponential moving average
EMA|c|length=10:2..250|EMA|1|exponential moving average
FWMA|c|length=10:2..250|FWMA|1|Fibonacci weighted moving average
HILO|hlc|high_length=13:2..250 low_length=21:2..250|HILO LONG? SHORT?|1|Gann high-low activator
HL2|hl||HL2|1|mean of high and low
HLC3|hlc||HLC3|1|mean of high, low and close
HMA|c|length=10:2..250|HMA|1|Hull moving average
HT_TRENDLINE|c||HT_TRENDLINE|5|Hilbert transform's trend line
HWMA|c|na=0.2:0.01..0.99 nb=0.1:0.01..0.99 nc=0.1:0.01..0.99|HWMA|1|Holt-Winters moving average
ICHIMOKU|hlc|tenkan=9:2..150 kijun=26:2..150 senkou=52:2..150|SPAN_A SPAN_B TENKAN KIJUN|2|\
Ichimoku, its spans as they stand at the candle {include_chikou=False as_dataframe=True}
JMA|c|length=7:2..250 phase=0.0:-100..100|JMA|3|Jurik moving average
KAMA|c|length=10:2..250 fast=2:2..250 slow=30:2..250|KAMA|1|Kaufman's adaptive moving average
LINREG|c|length=14:2..250|LINREG|1|linear regression's value at the candle
LINREGANGLE|c|length=14:2..250|LINREGANGLE|1|angle of the linear regression, degrees
LINREGINTERCEPT|c|length=14:2..250|LINREGINTERCEPT|1|where the linear regression began
LINREGSLOPE|c|length=14:2..250|LINREGSLOPE|1|slope of the linear regression, a candle
MAMA|c|fastlimit=0.5:0.01..0.99 slowlimit=0.05:0.01..0.99|MAMA FAMA|1|MESA adaptive moving average
MCGD|c|length=10:2..250 [c=1.0:0.5..1]|MCGD|1|McGinley dynamic
MEDPRICE|hl||MEDPRICE|1|mean of high and low
MIDPOINT|c|length=2:2..250|MIDPOINT|1|middle of the closes
MIDPRICE|hl|length=2:2..250|MIDPRICE|1|middle of highest and lowest
MMAR|c|length=10:2..250|MA1 MA2 MA3 MA4 MA5 MA6|1|six moving averages, five candles apart
OHLC4|ohlc||OHLC4|1|mean of open, high, low and close
PWMA|c|length=10:2..250|PWMA|1|Pascal's weighted moving average
RAINBOW|c|length=2:2..30|MA1 MA2 MA3 MA4 MA5 MA6 MA7 MA8 MA9 MA10|1|ten averages, each of the \
one before
RMA|c|length=10:2..250|RMA|1|Wilder's moving average
SINWMA|c|length=14:2..250|SINWMA|1|sine weighted moving average
SMA|c|length=10:2..250|SMA|1|simple moving average
SSF|c|length=10:2..250 poles=2:2..3|SSF|1|Ehlers' super smoother filter
SUPERTREND|hlc|length=7:2..250 multiplier=3.0:0.1..20|SUPERTREND DIRECTION LONG? SHORT?|1|\
supertrend; DIRECTION 1 up, -1 down
SWMA|c|length=10:2..250|SWMA|1|symmetric weighted moving average
T3|c|length=10:2..50 a=0.7:0.01..0.99|T3|2|Tillson's T3
TEMA|c|length=10:2..100|TEMA|1|triple exponential moving average
TRIMA|c|length=10:2..250|TRIMA|1|triangular moving average
TSF|c|length=14:2..250|TSF|1|time series forecast, one candle ahead
TYPPRICE|hlc||TYPPRICE|1|typical price
VIDYA|c|length=14:2..250|VIDYA|1|variable index dynamic average
VWAP|hlcv||VWAP|1|volume weighted average price since 00:00 UTC
VWMA|cv|length=10:2..250|VWMA|1|volume weighted moving average
WCP|hlc||WCP|1|weighted close
WMA|c|length=10:2..250|WMA|1|weighted moving average
ZLMA|c|length=10:2..200|ZLMA|1|zero lag exponential moving average
# trend
ADX|hlc|length=14:2..150 [lensig=:2..150]|ADX PLUS MINUS|3|average directional index; PLUS and \
MINUS are +DI and -DI
ADXR|hlc|length=14:2..100 [lensig=:2..100]|ADXR PLUS MINUS|3|average of ADX and the one `length` \
candles before
AMAT|c|fast=8:2..250 slow=21:2..250 lookback=2:2..250|LONG SHORT|2|Archer's trend by two \
averages; 1 or 0
AROON|hl|length=14:2..250|DOWN UP OSCILLATOR|1|Aroon
CHOP|hlc|length=14:2..250 [atr_length=1:1..20]|CHOP|1|choppiness index, 0 to 100
CKSP|hlc|p=10:2..150 x=3.0:0.1..20 q=20:2..150|LONG SHORT|1|Chande Kroll stop {tvmode=False}
DECAY|c|length=5:2..250|DECAY|1|linear decay
DECREASING|c|length=1:1..250|DECREASING|1|1 when the close fell over `length` candles
DPO|c|length=20:2..150|DPO|1|detrended price oscillator, not centred {centered=False}
DX|hlc|length=14:2..250|DX|1|directional movement index
EDECAY|c|length=5:2..250|EDECAY|1|exponential decay
INCREASING|c|length=1:1..250|INCREASING|1|1 when the close rose over `length` candles
MINUS_DM|hl|length=14:2..250|MINUS_DM|1|Wilder's downward movement
PLUS_DM|hl|length=14:2..250|PLUS_DM|1|Wilder's upward movement
PMAX|hlc|length=10:2..250 multiplier=3.0:0.1..20|PMAX|2|profit maximizer
PSAR|hlc|af0=0.02:0.001..1 af=0.02:0.001..1 max_af=0.2:0.001..1|LONG? SHORT? AF REVERSAL|1|\
parabolic stop and reverse; REVERSAL 1 where it turned
QSTICK|oc|length=10:2..250|QSTICK|1|mean of close less open
SAREXT|hl||SAREXT|1|parabolic stop and reverse, negative while short
TTM_TREND|hlc|length=6:2..250|TTM_TREND|1|1 when the close is above the mean of the middles, \
else -1
VHF|c|length=28:2..250|VHF|1|vertical horizontal filter
VORTEX|hlc|length=14:2..250|PLUS MINUS|1|vortex
# statistics
ENTROPY|c|length=10:2..250 [base=2.0:1.1..10]|ENTROPY|1|entropy of the closes
KURTOSIS|c|length=30:4..250|KURTOSIS|1|kurtosis of the closes
MAD|c|length=30:2..250|MAD|1|mean absolute deviation of the closes
MD|c|length=30:2..250|MD|1|mean deviation of the closes
MEDIAN|c|length=30:2..250|MEDIAN|1|median of the closes
QUANTILE|c|length=30:2..250 q=0.5:0.01..0.99|QUANTILE|1|quantile of the closes
SKEW|c|length=30:3..250|SKEW|1|skew of the closes
STDERR|c|length=14:3..250 [ddof=1:0..1]|STDERR|1|standard error of the mean
STDEV|c|length=30:2..250 [ddof=0:0..1]|STDEV|1|standard deviation of the closes
VARIANCE|c|length=30:2..250 [ddof=0:0..1]|VARIANCE|1|variance of the closes
ZSCORE|c|length=30:2..250 [std=1.0:0.1..10]|ZSCORE|1|how many deviations the close is from its \
mean
# cycles
DSP|c|length=14:2..250|DSP|1|detrended synthetic price
EBSW|c|length=40:39..200 bars=10:2..250|EBSW|1|Ehlers' even better sine wave
HT_DCPERIOD|c||HT_DCPERIOD|5|Hilbert transform: dominant cycle's period
HT_DCPHASE|c||HT_DCPHASE|5|Hilbert transform: dominant cycle's phase
HT_PHASOR|c||INPHASE QUADRATURE|6|Hilbert transform: phasor
HT_SINE|c||SINE LEAD|5|Hilbert transform: sine wave
HT_TRENDMODE|c||HT_TRENDMODE|5|Hilbert transform: 1 in a trend, 0 in a cycle
MSW|c|period=5:2..250|SINE LEAD|1|Mesa sine wave
# performance
DRAWDOWN|c||DRAWDOWN PERCENT LOG|1|fall from the highest of the candles kept
LOG_RETURN|c|length=1:1..250|LOG_RETURN|1|logarithmic return
PERCENT_RETURN|c|length=1:1..250|PERCENT_RETURN|1|return, as a fraction
# volatility
ABERRATION|hlc|length=5:2..250 atr_length=15:2..250|MIDDLE UPPER LOWER ATR|1|aberration bands
ACCBANDS|hlc|length=20:2..250 c=4.0:0.1..20|LOWER MIDDLE UPPER|1|acceleration bands
ATR|hlc|length=14:2..250|ATR|1|average true range
AVOLUME|c|length=20:2..250|AVOLUME|1|annualised volatility
BBANDS|c|length=5:2..250 std=2.0:0.1..10 [ddof=0:0..1]|LOWER MIDDLE UPPER BANDWIDTH PERCENT|1|\
Bollinger bands; PERCENT 0 at the lower, 1 at the upper
CE|hlc|length=22:2..250 multiplier=3.0:0.1..20|LONG SHORT|1|Chandelier exit
CVI|hl|length=10:2..150|CVI|1|Chaikin's volatility
DONCHIAN|hl|lower_length=20:2..250 upper_length=20:2..250|LOWER MIDDLE UPPER|1|Donchian channel
HVOL|c|length=20:2..250 [annualization=252.0:1..10000]|HVOL|1|historical volatility
HWC|c|na=0.2:0.01..0.99 nb=0.1:0.01..0.99 nc=0.1:0.01..0.99 nd=0.1:0.01..0.99 \
[scalar=1.0:0.1..10]|MIDDLE UPPER LOWER|1|Holt-Winters channel
KC|hlc|length=20:2..250 scalar=2.0:0.1..20|LOWER MIDDLE UPPER|1|Keltner channel
MASSI|hl|fast=9:2..100 slow=25:2..100|MASSI|1|mass index
NATR|hlc|length=14:2..250|NATR|1|average true range in percent of the close
PDIST|ohlc||PDIST|1|way that the price went within the candle
RVI|chl|length=14:2..150|RVI|1|relative volatility index
THERMO|hl|length=20:2..250 long=2.0:0.1..20 short=0.5:0.01..20|THERMO MA LONG SHORT|1|Elder's \
thermometer
TRUE_RANGE|hlc||TRUE_RANGE|1|true range
UI|c|length=14:2..150|UI|1|ulcer index
# volume
AD|hlcv||AD|1|accumulation and distribution, from the first candle kept
ADOSC|hlcv|fast=3:2..250 slow=10:2..250|ADOSC|1|Chaikin's oscillator
AOBV|cv|fast=4:2..11 slow=12:12..250 max_lookback=2:2..250 min_lookback=2:2..250|OBV LEAST MOST \
FAST SLOW LONG SHORT|2|Archer's on-balance volume
CMF|hlcv|length=20:2..250|CMF|1|Chaikin's money flow
EFI|cv|length=13:2..250|EFI|1|Elder's force index
EMV|hlv||EMV|1|ease of movement, of one candle
EOM|hlcv|length=14:2..250 [divisor=100000000.0:1..1e15]|EOM|1|ease of movement
KVO|hlcv|fast=34:2..150 slow=55:2..150 signal=13:2..150|KVO SIGNAL|2|Klinger's oscillator
MARKETFI|hlv||MARKETFI|1|market facilitation index
MFI|hlcv|length=14:2..250|MFI|2|money flow index, 0 to 100
NVI|cv|length=1:1..250 [initial=1000:1..1000000]|NVI|1|negative volume index, from the first \
candle kept
OBV|cv||OBV|1|on-balance volume, from the first candle kept
PVI|cv|length=1:1..250 [initial=1000:1..1000000]|PVI|1|positive volume index, from the first \
candle kept
PVOL|cv||PVOL|1|price times volume
PVR|cv||PVR|1|price volume rank, 1 to 4
PVT|cv||PVT|1|price volume trend, from the first candle kept
VFI|cv|length=130:2..140 coef=0.2:0.01..2 vcoef=2.5:0.1..10|VFI|1|volume flow indicator
VOSC|v|fast=14:2..250 slow=28:2..250|VOSC|1|volume oscillator, percent
WAD|hlc||WAD|1|Williams' accumulation and distribution, from the first candle kept
# candles
CDL_Z|ohlc|length=30:2..250 [ddof=1:0..1]|OPEN HIGH LOW CLOSE|1|candle in deviations from its mean
HA|ohlc||OPEN HIGH LOW CLOSE|1|Heikin-Ashi candle
# momentum
AO|hl|fast=5:2..250 slow=34:2..250|AO|1|awesome oscillator
APO|c|fast=12:2..250 slow=26:2..250|APO|1|absolute price oscillator
BIAS|c|length=26:2..250|BIAS|1|distance from the moving average, as a fraction
BOP|ohlc||BOP|1|balance of power
BRAR|ohlc|length=26:2..250|AR BR|2|BRAR
CCI|hlc|length=14:2..250 [c=0.015:0.001..1]|CCI|1|commodity channel index
CFO|c|length=9:2..250|CFO|1|Chande's forecast oscillator
CG|c|length=10:2..250|CG|1|centre of gravity
CMO|c|length=14:2..250|CMO|1|Chande's momentum oscillator
COPPOCK|c|length=10:2..150 fast=11:2..150 slow=14:2..150|COPPOCK|1|Coppock curve
CTI|c|length=12:2..250|CTI|1|correlation with a trend, -1 to 1
DM|hl|length=14:2..250|PLUS MINUS|1|directional movement
ER|c|length=10:2..250|ER|1|efficiency ratio
ERI|hlc|length=13:2..250|BULL BEAR|1|Elder ray index
FISHER|hl|length=9:2..150 signal=1:1..150|FISHER SIGNAL|1|Fisher transform
FOSC|c|length=14:2..250|FOSC|1|forecast oscillator
INERTIA|chl|length=20:2..100 rvi_length=14:2..100|INERTIA|2|inertia
KDJ|hlc|length=9:2..100 signal=3:2..100|K D J|1|KDJ
KST|c|roc1=10:2..100 roc2=15:2..100 roc3=20:2..100 roc4=30:2..100 sma1=10:2..100 sma2=10:2..100 \
sma3=10:2..100 sma4=15:2..100 signal=9:2..100|KST SIGNAL|1|know sure thing
LRSI|c|length=14:2..250 gamma=0.5:0.01..0.99|LRSI|1|Laguerre's relative strength index
MACD|c|fast=12:2..150 slow=26:2..150 signal=9:2..150|MACD HIST SIGNAL|1|moving average \
convergence divergence
MACDEXT|c|fast=12:2..150 slow=26:2..150 signal=9:2..150|MACDEXT SIGNAL HIST|1|MACD with \
exponential averages
MACDFIX|c|signal=9:2..250|MACDFIX HIST SIGNAL|1|MACD of 12 and 26
MOM|c|length=10:1..250|MOM|1|momentum
PGO|hlc|length=14:2..150|PGO|1|pretty good oscillator
PO|c|length=14:2..250|PO|1|projection oscillator
PPO|c|fast=12:2..150 slow=26:2..150 signal=9:2..150|PPO HIST SIGNAL|1|percentage price oscillator
PSL|co|length=12:2..250|PSL|1|psychological line
PVO|v|fast=12:2..150 slow=26:2..150 signal=9:2..150|PVO HIST SIGNAL|1|percentage volume oscillator
QQE|c|length=14:2..50 smooth=5:2..50 factor=4.236:0.1..20|QQE RSI LONG? SHORT? LOWER UPPER \
DIRECTION|2|quantitative qualitative estimation
ROC|c|length=10:1..250|ROC|1|rate of change, percent
ROCP|c|length=10:1..250|ROCP|1|rate of change, as a fraction
ROCR|c|length=10:1..250|ROCR|1|ratio to the close `length` candles before
ROCR100|c|length=10:1..250|ROCR100|1|the same times 100
RSI|c|length=14:2..250|RSI|1|relative strength index, 0 to 100
RSX|c|length=14:2..250|RSX|1|Jurik's RSI
RVGI|ohlc|length=14:2..100 swma_length=4:2..100|HIST RVGI SIGNAL|2|relative vigor index
SLOPE|c|length=1:1..250|SLOPE|1|slope over `length` candles
SMC_SWEEP|ohlc|length=15:2..250 wick_mult=1.5:0.1..20|SMC_SWEEP|1|sweep of liquidity: 1 up, -1 \
down
SMI|c|fast=5:2..100 slow=20:2..100 signal=5:2..100|SMI SIGNAL OSCILLATOR|2|SMI ergodic
SQUEEZE|hlc|bb_length=20:2..150 bb_std=2.0:0.1..10 kc_length=20:2..150 kc_scalar=1.5:0.1..10 \
mom_length=12:2..150 mom_smooth=6:2..150|SQUEEZE ON OFF NO|3|squeeze
SQUEEZE_PRO|hlc|bb_length=20:2..150 bb_std=2.0:0.1..10 kc_length=20:2..150 \
kc_scalar_wide=2.0:1.76..10 kc_scalar_normal=1.5:1.26..1.75 kc_scalar_narrow=1.0:0.1..1.25 \
mom_length=12:2..150 mom_smooth=6:2..150|SQUEEZE_PRO ON_WIDE ON_NORMAL ON_NARROW OFF NO|6|\
squeeze with three widths
STC|c|tclength=10:2..250 fast=12:2..250 slow=26:2..250 factor=0.5:0.01..0.99|STC MACD STOCH|3|\
Schaff trend cycle
STOCH|hlc|k=14:2..100 d=3:1..100 smooth_k=3:1..100|K D|1|stochastic, 0 to 100
STOCHF|hlc|fastk=5:2..150 fastd=3:1..150|K D|1|fast stochastic, 0 to 100
STOCHRSI|c|length=14:2..70 rsi_length=14:2..70 k=3:1..70 d=3:1..70|K D|2|stochastic of RSI, 0 to \
100
TD_SEQ|c||UP? DOWN?|1|Tom DeMark's count
TRIX|c|length=30:2..70 signal=9:2..70|TRIX SIGNAL|1|triple exponential rate of change
TRIXH|c|length=18:2..70 signal=9:2..70|TRIXH SIGNAL HIST|1|the same with its histogram
TSI|c|fast=13:2..100 slow=25:2..100 signal=13:2..100|TSI SIGNAL|1|true strength index
UO|hlc|fast=7:2..250 medium=14:2..250 slow=28:2..250|UO|2|ultimate oscillator
VWMACD|cv|fast=12:2..150 slow=26:2..150 signal=9:2..150|VWMACD HIST SIGNAL|1|volume weighted MACD
WILLR|hlc|length=14:2..250|WILLR|1|Williams' %R, -100 to 0
"""
_PATTERNS = """
2crows 3blackcrows 3inside 3linestrike 3outside 3starsinsouth 3whitesoldiers abandonedbaby
advanceblock belthold breakaway closingmarubozu concealbabyswall counterattack darkcloudcover doji
dojistar dragonflydoji engulfing eveningdojistar eveningstar gapsidesidewhite gravestonedoji
hammer hangingman harami haramicross highwave hikkake hikkakemod homingpigeon identical3crows
inneck inside invertedhammer kicking kickingbylength ladderbottom longleggeddoji longline marubozu
matchinglow mathold morningdojistar morningstar onneck piercing rickshawman risefall3methods
separatinglines shootingstar shortline spinningtop stalledpattern sticksandwich takuri tasukigap
thrusting tristar unique3river upsidegap2crows xsidegap3methods
"""
_PATTERN = "CDL_{0}|ohlc||CDL_{0}|1|candle pattern: 100 bullish, -100 bearish, 0 none {{name={1}}}"

INDICATORS: dict[str, Row] = {
    row.name: row
    for row in map(
        row_of,
        (
            *(line for line in _TABLE.splitlines() if line and not line.startswith("#")),
            *(_PATTERN.format(name.upper(), name) for name in _PATTERNS.split()),
        ),
    )
}
"""By name."""
