// The parts of Apache ECharts that the report uses; the bundler drops the rest.

import { init, use } from 'echarts/core';
import { BarChart, CustomChart, LineChart, ScatterChart } from 'echarts/charts';
import {
  DataZoomComponent, GridComponent, LegendScrollComponent, MarkAreaComponent, MarkLineComponent, TooltipComponent,
} from 'echarts/components';
import { CanvasRenderer } from 'echarts/renderers';

use([
  BarChart, CustomChart, LineChart, ScatterChart, DataZoomComponent, GridComponent, LegendScrollComponent,
  MarkAreaComponent, MarkLineComponent, TooltipComponent, CanvasRenderer,
]);

export { init };
