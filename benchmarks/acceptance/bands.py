"""What a simulated network must look like, as data: a band for every statistic, beside the reference's value.

The bands come from published measurements where there are any — sessions per minute of 282,000 base stations
(Zanella et al., IMC 2023), five patterns over 9,600 towers (Wang et al., IMC 2015), the Hurst exponent of base
station traffic (Li, Zhao et al.) — else from physics or from a radio engineer's judgement.
"""

from dataclasses import dataclass

ANY = float("inf")


@dataclass(frozen=True)
class Band:
    check: str
    low: float
    high: float
    reference: float
    second: tuple[float, float] | None = None
    """Another interval that is as good: some places have two busy hours."""

    def holds(self, value: float) -> bool:
        again = self.second is not None and self.second[0] <= value <= self.second[1]
        return self.low <= value <= self.high or again


BANDS = (
    Band("Gini of cells' attempts over a working day", 0.48, 0.62, 0.52),
    Band("Gini of cells' volume over a working day", 0.55, 0.68, 0.60),
    Band("attempts carried by the busiest 10 % of cells", 0.32, 0.42, 0.35),
    Band("attempts carried by the busiest 20 % of cells", 0.50, 0.60, 0.54),
    Band("skewness of log attempts over cells", -1.0, 0.0, -0.61),
    Band("attempts 02-05 h / busy hour, median cell", 0.10, 0.20, 0.14),
    Band("attempts 00-07 h / 12 busiest hours, median cell", 0.2, 0.4, 0.27),
    Band("busy hour, business", 10, 16, 14),
    Band("busy hour, residential", 19, 22, 20),
    Band("busy hour, transport", 7, 9, 8, second=(17, 18)),
    Band("busy hour, rural", 17, 20, 18),
    Band("weekend / working day, business", 0.35, 0.65, 0.57),
    Band("weekend / working day, transport", 0.6, 0.9, 0.83),
    Band("weekend / working day, residential", 1.0, 1.15, 1.03),
    Band("autocorrelation of attempts, high load, 1 min", 0.85, 0.95, 0.91),
    Band("autocorrelation of attempts, high load, 60 min", 0.65, 0.85, 0.74),
    Band("autocorrelation of attempts, high load, 12 h", -1, -0.2, -0.34),
    Band("autocorrelation of attempts, high load, 1 day", 0.5, 0.8, 0.61),
    Band("autocorrelation of attempts, low load, 1 min", 0.35, 0.65, 0.44),
    Band("autocorrelation of attempts, low load, 1 day", 0.25, 0.5, 0.30),
    Band("autocorrelation at 1 week less at 1 day, mid load", 0, 1, 0.05),
    Band("autocorrelation at 1 week less at 1 day, high load", 0, 1, 0.05),
    # "Slow decay" made a band: each lag between half and one and a half times the reference, roughly.
    Band("same, de-seasonalised, high load, 1 min", 0.4, 0.7, 0.55),
    Band("same, de-seasonalised, high load, 15 min", 0.25, 0.55, 0.39),
    Band("same, de-seasonalised, high load, 60 min", 0.15, 0.4, 0.27),
    Band("same, de-seasonalised, high load, 4 h", 0.07, 0.25, 0.14),
    Band("Hurst exponent, de-seasonalised, high load", 0.75, 0.95, 0.90),
    Band("Fano factor of attempts in a busy hour, p10", 1.05, 1.3, 1.12),
    Band("Fano factor of attempts in a busy hour, median", 1.2, 2, 1.36),
    Band("Fano factor of attempts in a busy hour, p90", 2, 4, 2.7),
    Band("variation of a minute's volume in an hour, low load", 0.7, 1.2, 0.88),
    Band("variation of a minute's volume in an hour, mid load", 0.4, 0.7, 0.50),
    Band("variation of a minute's volume in an hour, high load", 0.2, 0.4, 0.30),
    Band("hourly correlation, de-seasonalised, same site", 0.1, 0.4, 0.20),
    Band("hourly correlation, de-seasonalised, other sites", -0.05, 0.05, 0.01),
    Band("zeros 02-05 h, rrc_att_mo_data", 0.25, 0.5, 0.39),
    Band("zeros 02-05 h, ho_prep_att", 0.4, 0.7, 0.56),
    Band("zeros 02-05 h, rel_abn_radio", 0.9, 1, 0.97),
    Band("zeros 17-20 h, rrc_att_mo_data", 0, 0.15, 0.10),
    Band("zeros 17-20 h, ho_prep_att", 0.1, 0.3, 0.20),
    Band("zeros 17-20 h, rel_abn_radio", 0.8, 0.95, 0.88),
    Band("minutes without any attempt, 02-05 h", 0.15, 0.35, 0.25),
    Band("PRB use in the busy hour, %, p10 of cells", 4, 10, 6),
    Band("PRB use in the busy hour, %, median cell", 10, 25, 14),
    Band("PRB use in the busy hour, %, p90 of cells", 45, 75, 61),
    Band("PRB use in the busy hour, %, p97 of cells", 70, 95, 81),
    Band("GB a day, p10 of cells", 3, 15, 6.6),
    Band("GB a day, median cell", 25, 70, 44),
    Band("GB a day, p90 of cells", 150, 350, 240),
    Band("RRC set-up success, %", 98.5, 99.8, 99.1),
    Band("NG context success, %", 99.5, 99.9, 99.8),
    Band("hand-over preparation success, %", 98.5, 99.7, 99.3),
    Band("hand-over execution success, %", 98, 99.6, 98.8),
    Band("abnormal releases, %", 0.3, 1.2, 0.82),
    Band("initial block errors, downlink, %", 8, 12, 9.5),
    Band("initial block errors, uplink, %", 8, 12, 9.2),
    Band("TCP retransmissions, %", 0.5, 2, 1.0),
    Band("DNS names that do not exist, %", 4, 12, 7.1),
    Band("uplink / downlink volume", 0.08, 0.2, 0.12),
    Band("rank correlation, volume and PRB use", 0.95, 1, 0.99),
    Band("rank correlation, attempts and flows", 0.9, 1, 0.94),
    Band("rank correlation, PRB use and throughput", -0.8, -0.4, -0.56),
    Band("rank correlation, PRB use and RLC delay", 0.3, 1, 0.50),
    Band("rank correlation, PRB use and CPU", 0.8, 1, 0.91),
    Band("rank correlation, CQI and MCS", 0.9, 1, 0.96),
    Band("rank correlation, SINR and throughput", 0.3, 0.7, 0.46),
    Band("rank correlation, RSRP and SINR", 0.6, 0.9, 0.73),
    Band("rank correlation, uplink noise and uplink SINR", -0.8, -0.4, -0.60),
    Band("rank correlation, power headroom and RSRP", -1, -0.7, -0.86),
    Band("rank correlation, core and access round trip", -0.1, 0.1, 0.0),
    Band("variance in the first principal component", 0.35, 0.55, 0.44),
    Band("effective rank of the 130 features", 12, 25, 17),
    Band("nulls, % of all values", 0, 1.5, 0.7),
    Band("nulls, voice_loss_pct", 0.5, 0.75, 0.66),
    Band("nulls, cp_setup_ms", 0.05, 0.15, 0.10),
)
